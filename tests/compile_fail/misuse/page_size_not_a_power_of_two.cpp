// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: page size is a power of two
// clang-19: page size is a power of two
// clang-22: page size is a power of two
// why: pages are aligned to their size.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    quire::buffer_pool<1000> pool{{.frames = 16}};
    use(pool.frames() + file.pages());
#else
    quire::buffer_pool<1024> pool{{.frames = 16}};
    use(pool.frames() + file.pages());
#endif
}
