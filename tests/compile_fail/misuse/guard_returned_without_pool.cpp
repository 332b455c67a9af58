// SPDX-License-Identifier: BSL-1.0
// group: guard outlives its pool
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// contract: no guard outlives its pool
// why: the frames go with the pool.

#ifdef MISUSE
reader first(std::string const& path) {
    pool_type pool{{.frames = 16}};
    auto file = pool.open(path, quire::open_mode::open_or_create);
    static_cast<void>(file.append<heap_page>().id());
    return file.read<heap_page>(0);
}
void misuse(file_type file) {
    use(first(file.path() + ".2").id());
}
#else
reader first(file_type file) { return file.read<heap_page>(0); }
void misuse(file_type file) {
    use(first(file).id());
}
#endif
