// SPDX-License-Identifier: BSL-1.0
// group: a thread that waits for itself
// rust: accepts
// g++: -
// clang-19: -
// clang-22: -
// error: write of page 0 of .*pages: this thread holds a guard of the page
// why: an upgrade would wait for its own reader.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto same = file.write<heap_page>(0);
    use(page->size() + same.view().size());
#else
    auto page = file.read<heap_page>(0);
    auto size = page->size();
    page.release();
    auto same = file.write<heap_page>(0);
    use(size + same.view().size());
#endif
}
