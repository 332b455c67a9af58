// SPDX-License-Identifier: BSL-1.0
// group: mutable bytes are lent alone
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'tuple' while loan 'page->lent' is held
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: shared first, then mutable.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto row = page->row<user>(slot);
    auto bytes = page->tuple(slot);
    bytes.store<std::uint8_t>(bytes.size() - 1, 'x');
    use(row.get<&user::name>());
#else
    auto page = file.write<heap_page>(0);
    {
        auto row = page->row<user>(slot);
        use(row.get<&user::name>());
    }
    auto bytes = page->tuple(slot);
    bytes.store<std::uint8_t>(bytes.size() - 1, 'x');
#endif
}
