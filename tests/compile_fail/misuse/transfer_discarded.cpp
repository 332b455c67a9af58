// SPDX-License-Identifier: BSL-1.0
// group: copied, moved or discarded guard
// rust: accepts
// g++: ignoring return value
// clang-19: ignoring return value
// clang-22: ignoring return value
// why: the page would be released at once.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    page.transfer();
#else
    auto page = file.read<heap_page>(0);
    auto other = page.transfer();
    use(other->size());
#endif
}
