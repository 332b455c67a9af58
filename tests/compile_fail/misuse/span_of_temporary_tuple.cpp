// SPDX-License-Identifier: BSL-1.0
// group: borrow from a temporary
// rust: rejects
// g++: use of deleted function
// clang-19: deleted
// clang-22: deleted
// why: name the tuple whose span is used.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    use(page->tuple(slot).span());
#else
    auto page = file.read<heap_page>(0);
    auto tuple = page->tuple(slot);
    use(tuple.span());
#endif
}
