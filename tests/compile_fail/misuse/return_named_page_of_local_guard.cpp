// SPDX-License-Identifier: BSL-1.0
// group: a page by another name
// form: elided
// rust: rejects
// g++: -
// clang-19: address of stack memory
// clang-22: address of stack memory
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: the name belongs to the guard, which ends with the function.

#ifdef MISUSE
auto first(file_type file) {
    auto page = file.read<heap_page>(0);
    return *page;
}
void misuse(file_type file) {
    auto page = first(file);
    use(page.size());
}
#else
auto first(file_type file) { return file.read<heap_page>(0); }
void misuse(file_type file) {
    auto guard = first(file);
    auto page = *guard;
    use(page.size());
}
#endif
