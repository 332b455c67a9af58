// SPDX-License-Identifier: BSL-1.0
// group: threads
// rust: rejects
// g++: (static assertion failed|deleted|no matching)
// clang-19: (static assertion failed|deleted|no matching)
// clang-22: (static assertion failed|deleted|no matching)
// why: a latch is released by the thread that took it.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    std::thread other{[](reader guard) { use(guard->size()); }, std::move(page)};
    other.join();
#else
    std::thread other{[](file_type mine) {
                          auto page = mine.read<heap_page>(0);
                          use(page->size());
                      },
                      file};
    other.join();
#endif
}
