// SPDX-License-Identifier: BSL-1.0
// group: guard ended under a borrow
// chosen: a pointer, a reference or a second name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: a reference made from `operator->` is a second name, which no compiler follows.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto guard = file.write<heap_page>(0);
    auto const& page = *guard.operator->();
    auto const row = page.row<user>(slot);
    guard.advance(file, 1);
    use(row.get<&user::name>());
#else
    auto guard = file.write<heap_page>(0);
    auto const& page = *guard.operator->();
    {
        auto const row = page.row<user>(slot);
        use(row.get<&user::name>());
    }
    guard.advance(file, 1);
#endif
}
