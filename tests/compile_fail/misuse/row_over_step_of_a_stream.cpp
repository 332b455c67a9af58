// SPDX-License-Identifier: BSL-1.0
// group: guard ended under a borrow
// chosen: a pointer, a reference or a second name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: the guard that a stream lends is a reference, which no compiler connects with the stream.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto pages = file.scan<heap_page>();
    auto at = pages.begin();
    auto& page = *at;
    auto const row = page->row<user>(slot);
    ++at;
    use(row.get<&user::name>());
#else
    auto pages = file.scan<heap_page>();
    auto at = pages.begin();
    {
        auto& page = *at;
        auto const row = page->row<user>(slot);
        use(row.get<&user::name>());
    }
    ++at;
#endif
}
