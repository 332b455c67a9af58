// SPDX-License-Identifier: BSL-1.0
// group: guard ended under a borrow
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'transfer' while loan 'page->lent' is held
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// why: the new guard may end before the row.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    auto other = page.transfer();
    use(row.get<&user::id>());
#else
    auto page = file.read<heap_page>(0);
    auto other = page.transfer();
    auto row = other->row<user>(slot);
    use(row.get<&user::id>());
#endif
}
