// SPDX-License-Identifier: BSL-1.0
// group: a page by another name
// rust: rejects
// g++: use of deleted function .*operator&
// clang-19: a pointer to what a page lends could outlive it
// clang-22: a pointer to what a page lends could outlive it
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
