// SPDX-License-Identifier: BSL-1.0
// group: mutation through shared access
// rust: rejects
// g++: no matching function for call to .*heap_page.*compact
// clang-19: 'compact': constraints not satisfied
// clang-22: 'compact': constraints not satisfied
// net: -
// why: who takes the const view may not change the page.

#ifdef MISUSE
void tidy(heap_page<std::byte const, 4096> const& page) { page.compact(); }
#else
void tidy(heap_page<std::byte, 4096>& page) { page.compact(); }
#endif
