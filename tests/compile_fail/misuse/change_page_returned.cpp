// SPDX-License-Identifier: BSL-1.0
// group: page of a change
// form: elided
// rust: rejects
// g++: -
// clang-19: (address of|reference to) stack memory
// clang-22: (address of|reference to) stack memory
// checked: a change ends only while none of its pages has a name
// why: the change ends with the function, and undoes what was changed.

#ifdef MISUSE
auto first_page(logged& of) {
    quire::change change{of.pool};
    return change.write<heap_page>(of.file, 0);
}
void misuse(file_type) {
    auto of = with_log();
    auto page = first_page(of);
    use(page->size());
}
#else
std::size_t first_page(logged& of) {
    quire::change change{of.pool};
    auto page = change.write<heap_page>(of.file, 0);
    return page->size();
}
void misuse(file_type) {
    auto of = with_log();
    use(first_page(of));
}
#endif
