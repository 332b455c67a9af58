// SPDX-License-Identifier: BSL-1.0
// group: threads
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// checked: a guard ends in the thread that made it
// why: a latch is released by the thread that took it.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    std::thread other{[&page] { page.release(); }};
    other.join();
#else
    auto page = file.read<heap_page>(0);
    std::thread other{[&page] { use(page->size()); }};
    other.join();
    page.release();
#endif
}
