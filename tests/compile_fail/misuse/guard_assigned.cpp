// SPDX-License-Identifier: BSL-1.0
// group: copied, moved or discarded guard
// rust: rejects
// g++: use of deleted function
// clang-19: (deleted|no viable overloaded)
// clang-22: (deleted|no viable overloaded)
// why: assigning would release a page without a visible call.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    page = file.read<heap_page>(1);
    use(page->size());
#else
    auto page = file.read<heap_page>(0);
    page.advance(file, 1);
    use(page->size());
#endif
}
