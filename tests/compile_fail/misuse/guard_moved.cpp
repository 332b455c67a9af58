// SPDX-License-Identifier: BSL-1.0
// group: copied, moved or discarded guard
// rust: rejects
// g++: use of deleted function
// clang-19: (deleted|no matching constructor)
// clang-22: (deleted|no matching constructor)
// why: a guard stays; transfer() hands the page over.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto other = std::move(page);
    use(other->size());
#else
    auto page = file.read<heap_page>(0);
    auto other = page.transfer();
    use(other->size());
#endif
}
