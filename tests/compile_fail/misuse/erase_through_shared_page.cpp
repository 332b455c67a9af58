// SPDX-License-Identifier: BSL-1.0
// group: mutation through shared access
// rust: rejects
// g++: use of deleted function .*the_page_is_shared .*erase
// clang-19: 'erase': the page is shared
// clang-22: 'erase': the page is shared
// why: other readers are looking at the page.

void misuse(file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
#else
    auto page = file.write<heap_page>(0);
#endif
    page->erase(slot);
}
