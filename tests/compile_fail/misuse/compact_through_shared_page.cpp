// SPDX-License-Identifier: BSL-1.0
// group: mutation through shared access
// rust: rejects
// g++: no matching function for call to .*heap_page.*compact
// clang-19: 'compact': constraints not satisfied
// clang-22: 'compact': constraints not satisfied
// net: -
// why: others are reading this page.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    page->compact();
#else
    auto page = file.write<heap_page>(0);
    page->compact();
#endif
}
