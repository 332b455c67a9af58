// SPDX-License-Identifier: BSL-1.0
// group: guard outlives its pool
// rust: rejects
// g++: -
// clang-19: (address of|reference to) stack memory
// clang-22: (address of|reference to) stack memory
// poison: (heap|stack)-use-after
// why: a handle is two words that refer to the pool.

#ifdef MISUSE
file_type opened(std::string const& path) {
    pool_type pool{{.frames = 16}};
    return pool.open(path, quire::open_mode::open_or_create);
}
void misuse(file_type file) {
    use(opened(file.path() + ".2").pages());
}
#else
void misuse(file_type file) {
    use(file.pages());
}
#endif
