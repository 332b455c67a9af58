// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: (use of deleted function|no matching)
// clang-19: a std::span could outlive the page
// clang-22: a std::span could outlive the page
// why: the way out has a name, `unguarded_span()`, so that a reviewer can search for it.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto tuple = page->tuple(slot);
    std::span<std::byte const> bytes = tuple;
    use(bytes.size());
#else
    auto page = file.read<heap_page>(0);
    auto tuple = page->tuple(slot);
    std::span<std::byte const> bytes = tuple.unguarded_span();
    use(bytes.size());
#endif
}
