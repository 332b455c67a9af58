// SPDX-License-Identifier: BSL-1.0
// group: guard outlives its pool
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// contract: no guard outlives its pool
// why: a guard in an outer scope.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    quire::guard_slot<reader> held;
    {
        pool_type pool{{.frames = 16}};
        auto inner = pool.open(file.path() + ".2", quire::open_mode::open_or_create);
        static_cast<void>(inner.append<heap_page>().id());
        held.emplace(inner, 0);
    }
#else
    pool_type pool{{.frames = 16}};
    auto inner = pool.open(file.path() + ".2", quire::open_mode::open_or_create);
    static_cast<void>(inner.append<heap_page>().id());
    quire::guard_slot<reader> held;
    held.emplace(inner, 0);
#endif
}
