// SPDX-License-Identifier: BSL-1.0
// group: a thread that waits for itself
// rust: accepts
// g++: -
// clang-19: -
// clang-22: -
// error: read of page 0 of .*pages: this thread holds a guard of the page
// why: a reader waits for the writer, which is the same thread.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto again = file.read<heap_page>(0);
    use(again->size() + page.view().size());
#else
    auto page = file.write<heap_page>(0);
    use(page.view().size());
#endif
}
