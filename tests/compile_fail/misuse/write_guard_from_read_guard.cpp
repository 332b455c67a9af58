// SPDX-License-Identifier: BSL-1.0
// group: const turned mutable
// rust: rejects
// g++: no matching function
// clang-19: no matching constructor
// clang-22: no matching constructor
// why: a shared latch does not become exclusive by itself.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    writer mine{page};
    mine->compact();
#else
    auto page = file.write<heap_page>(0);
    page->compact();
#endif
}
