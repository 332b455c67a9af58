// SPDX-License-Identifier: BSL-1.0
// group: guard outlives its pool
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// net: contract
// why: a guard in an outer scope.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    quire::guard_slot<reader> held;
    {
        pool_type pool{{.frames = 16}};
        auto inner = pool.open("f");
        held.emplace(inner, 0);
    }
    use(file.pages());
#else
    pool_type pool{{.frames = 16}};
    auto inner = pool.open("f");
    quire::guard_slot<reader> held;
    held.emplace(inner, 0);
    use(file.pages());
#endif
}
