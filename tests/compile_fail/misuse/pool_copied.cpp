// SPDX-License-Identifier: BSL-1.0
// group: guard outlives its pool
// rust: rejects
// g++: use of deleted function
// clang-19: deleted
// clang-22: deleted
// why: a pool is one.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    pool_type pool{{.frames = 16}};
    auto other = pool;
    use(other.frames() + file.pages());
#else
    pool_type pool{{.frames = 16}};
    auto& other = pool;
    use(other.frames() + file.pages());
#endif
}
