// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: returning reference to temporary
// clang-19: returning reference to local temporary
// clang-22: returning reference to local temporary
// why: the view belongs to the guard.

#ifdef MISUSE
reader::view_type const& first(file_type file) {
    auto page = file.read<heap_page>(0);
    return *page;
}
void misuse(file_type file) {
    use(first(file).size());
}
#else
std::size_t first(file_type file) {
    auto page = file.read<heap_page>(0);
    return (*page).size();
}
void misuse(file_type file) {
    use(first(file));
}
#endif
