// SPDX-License-Identifier: BSL-1.0
// group: guard ended under a borrow
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'fill.*' while loan 'held->lent' is held
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: the slot ends the guard that is there before it takes another.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    quire::guard_slot<reader> held;
    held.emplace(file, 0);
    auto row = held->row<user>(slot);
    held.fill([&] { return file.read<heap_page>(1); });
    use(row.get<&user::id>());
#else
    quire::guard_slot<reader> held;
    held.emplace(file, 0);
    held.fill([&] { return file.read<heap_page>(1); });
    auto row = held->row<user>(slot);
    use(row.get<&user::id>());
#endif
}
