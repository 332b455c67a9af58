// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// poison: use-after-poison
// why: the address of the view outlives the access.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto const* view = &*page;
    page.release();
    use(view->size());
#else
    auto page = file.read<heap_page>(0);
    auto const* view = &*page;
    use(view->size());
    page.release();
#endif
}
