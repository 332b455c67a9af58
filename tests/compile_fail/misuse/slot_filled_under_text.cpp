// SPDX-License-Identifier: BSL-1.0
// group: guard ended under a borrow
// chosen: a pointer, a reference or a second name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: the guard that `fill` returns is a reference, which no compiler connects with the slot.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    quire::guard_slot<reader> held;
    auto& page = held.fill([&] { return file.read<heap_page>(0); });
    auto const row = page->row<user>(slot);
    auto const name = row.get<&user::name>();
    held.fill([&] { return file.read<heap_page>(1); });
    use(name);
#else
    quire::guard_slot<reader> held;
    held.fill([&] { return file.read<heap_page>(0); });
    auto& page = held.fill([&] { return file.read<heap_page>(1); });
    auto const row = page->row<user>(slot);
    auto const name = row.get<&user::name>();
    use(name);
#endif
}
