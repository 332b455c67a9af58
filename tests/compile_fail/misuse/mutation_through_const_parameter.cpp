// SPDX-License-Identifier: BSL-1.0
// group: mutation through shared access
// rust: rejects
// g++: use of deleted function .*the_page_is_shared .*compact
// clang-19: 'compact': the page is shared
// clang-22: 'compact': the page is shared
// why: code that takes the const view may not change the page.

#ifdef MISUSE
void tidy(heap_page<std::byte const, 4096> const& page) { page.compact(); }
#else
void tidy(heap_page<std::byte, 4096>& page) { page.compact(); }
#endif
