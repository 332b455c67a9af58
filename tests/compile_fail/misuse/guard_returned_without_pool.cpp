// SPDX-License-Identifier: BSL-1.0
// group: guard outlives its pool
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// net: contract
// why: the frames go with the pool.

#ifdef MISUSE
reader first() {
    pool_type pool{{.frames = 16}};
    auto file = pool.open("f");
    return file.read<heap_page>(0);
}
#else
reader first(file_type file) { return file.read<heap_page>(0); }
#endif
