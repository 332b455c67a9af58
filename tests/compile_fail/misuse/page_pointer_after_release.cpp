// SPDX-License-Identifier: BSL-1.0
// group: a page by another name
// rust: rejects
// g++: taking address of rvalue
// clang-19: taking the address of a temporary
// clang-22: taking the address of a temporary
// why: the address of the view outlives the access.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto const* view = &*page;
    page.release();
    use(view->size());
#else
    auto page = file.read<heap_page>(0);
    auto view = *page;
    use(view.size());
#endif
}
