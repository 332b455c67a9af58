// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: bind_columns_by_auto_const_ref
// clang-19: columns are bound by .auto const& 
// clang-22: columns are bound by .auto const& 
// why: strings of a row that ends with the statement.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto [id, name, balance] = page->row<user>(slot);
    use(id);
    use(name);
#else
    auto page = file.read<heap_page>(0);
    auto const& [id, name, balance] = page->row<user>(slot);
    use(id);
    use(name);
#endif
}
