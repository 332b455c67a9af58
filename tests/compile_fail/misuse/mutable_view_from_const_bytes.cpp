// SPDX-License-Identifier: BSL-1.0
// group: const turned mutable
// rust: rejects
// g++: (no matching function|could not convert|cannot convert)
// clang-19: no matching constructor
// clang-22: no matching constructor
// why: const bytes make a const view.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto raw = file.read(0);
    auto bytes = raw->bytes();
    heap_page<std::byte, 4096> page{bytes.unguarded_span().first<4096>()};
    use(page.size());
#else
    auto raw = file.read(0);
    auto bytes = raw->bytes();
    heap_page<std::byte const, 4096> page{bytes.unguarded_span().first<4096>()};
    use(page.size());
#endif
}
