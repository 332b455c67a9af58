// SPDX-License-Identifier: BSL-1.0
// group: mutation through shared access
// rust: rejects
// g++: use of deleted function .*the_page_is_shared .*compact
// clang-19: 'compact': the page is shared
// clang-22: 'compact': the page is shared
// why: other readers hold this page.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    page->compact();
#else
    auto page = file.write<heap_page>(0);
    page->compact();
#endif
}
