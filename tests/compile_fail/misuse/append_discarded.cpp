// SPDX-License-Identifier: BSL-1.0
// group: copied, moved or discarded guard
// rust: accepts
// g++: ignoring return value
// clang-19: ignoring return value
// clang-22: ignoring return value
// why: the new page would be left without content.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    file.append<heap_page>();
#else
    auto page = file.append<heap_page>();
    use(page->size());
#endif
}
