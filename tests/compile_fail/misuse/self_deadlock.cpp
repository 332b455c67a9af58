// SPDX-License-Identifier: BSL-1.0
// group: a thread that waits for itself
// rust: accepts
// g++: -
// clang-19: -
// clang-22: -
// error: write of page 0 of .*pages: this thread holds a guard of the page
// why: a thread that holds a page exclusively waits for itself.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto again = file.write<heap_page>(0);
    use(page.view().size() + again.view().size());
#else
    auto page = file.write<heap_page>(0);
    auto other = file.write<heap_page>(1);
    use(page.view().size() + other.view().size());
#endif
}
