// SPDX-License-Identifier: BSL-1.0
// group: borrow from a temporary
// rust: rejects
// g++: use of deleted function .*use_with_span_or_unguarded_span
// clang-19: a std::span could outlive the page
// clang-22: a std::span could outlive the page
// why: a span of a temporary would be of bytes that nobody has lent any more.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    use(page->tuple(slot).span());
#else
    auto page = file.read<heap_page>(0);
    auto tuple = page->tuple(slot);
    use(tuple.with_span([](auto bytes) { return bytes.size(); }));
#endif
}
