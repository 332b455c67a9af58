// SPDX-License-Identifier: BSL-1.0
// group: copied, moved or discarded guard
// rust: accepts
// g++: ignoring return value
// clang-19: ignoring return value
// clang-22: ignoring return value
// why: no guard holds the page after the statement.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    file.read<heap_page>(0);
#else
    auto page = file.read<heap_page>(0);
    use(page->size());
#endif
}
