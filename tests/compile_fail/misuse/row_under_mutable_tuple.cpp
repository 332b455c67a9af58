// SPDX-License-Identifier: BSL-1.0
// group: mutable bytes are lent alone
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'row' while mutable loan 'page->lent_mutable' is held
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: mutable first, then shared: the string of the row may change under it.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto bytes = page->tuple(slot);
    auto row = page->row<user>(slot);
    auto name = row.get<&user::name>();
    bytes.store<std::uint8_t>(bytes.size() - 1, 'x');
    use(name);
#else
    auto page = file.write<heap_page>(0);
    {
        auto bytes = page->tuple(slot);
        bytes.store<std::uint8_t>(bytes.size() - 1, 'x');
    }
    auto row = page->row<user>(slot);
    use(row.get<&user::name>());
#endif
}
