// SPDX-License-Identifier: BSL-1.0
// group: guard ended under a borrow
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'emplace.*' while mutable loan 'held->lent_mutable' is held
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: the slot ends the guard that is there before it makes another.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    quire::guard_slot<writer> held;
    held.emplace(file, 0);
    auto tuple = held->tuple(slot);
    held.emplace(file, 1);
    use(tuple[0]);
#else
    quire::guard_slot<writer> held;
    held.emplace(file, 0);
    {
        auto tuple = held->tuple(slot);
        use(tuple[0]);
    }
    held.emplace(file, 1);
#endif
}
