// SPDX-License-Identifier: BSL-1.0
// group: copied, moved or discarded guard
// rust: rejects
// g++: use of deleted function
// clang-19: deleted
// clang-22: deleted
// why: a closure is no place for a guard.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto later = [page] { use(page->size()); };
    later();
#else
    auto page = file.read<heap_page>(0);
    auto later = [&page] { use(page->size()); };
    later();
#endif
}
