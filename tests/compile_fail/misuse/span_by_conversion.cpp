// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: (use of deleted function|no matching)
// clang-19: becomes a span by span
// clang-22: becomes a span by span
// why: the way out has a name, `span()`, so that a reviewer can search for it.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto tuple = page->tuple(slot);
    std::span<std::byte const> bytes = tuple;
    use(bytes.size());
#else
    auto page = file.read<heap_page>(0);
    auto tuple = page->tuple(slot);
    std::span<std::byte const> bytes = tuple.span();
    use(bytes.size());
#endif
}
