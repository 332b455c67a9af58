// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'compact' while loan 'same.lent' is held
// checked: a page is changed only while no row, tuple or range of it is lent
// why: another name of the page changes nothing.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto& same = *page;
    auto row = same.row<user>(slot);
    same.compact();
    use(row.get<&user::id>());
#else
    auto page = file.write<heap_page>(0);
    auto& same = *page;
    same.compact();
    auto row = same.row<user>(slot);
    use(row.get<&user::id>());
#endif
}
