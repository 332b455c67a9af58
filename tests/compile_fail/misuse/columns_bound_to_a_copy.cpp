// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: use of deleted function .*row_view\(
// clang-19: deleted (copy )?constructor
// clang-22: deleted (copy )?constructor
// why: a row is not copied, not even by structured bindings.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    auto [id, name, balance] = row;
    use(id);
    use(name);
#else
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    auto const& [id, name, balance] = row;
    use(id);
    use(name);
#endif
}
