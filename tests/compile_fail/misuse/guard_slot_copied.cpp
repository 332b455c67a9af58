// SPDX-License-Identifier: BSL-1.0
// group: copied, moved or discarded guard
// rust: rejects
// g++: use of deleted function
// clang-19: deleted
// clang-22: deleted
// why: a slot holds its guard alone.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    quire::guard_slot<reader> a;
    auto b = a;
    use(b.has_value());
#else
    quire::guard_slot<reader> a;
    auto& b = a;
    use(b.has_value());
#endif
}
