// SPDX-License-Identifier: BSL-1.0
// group: mutation through shared access
// rust: rejects
// g++: no matching function for call to .*heap_page.*erase
// clang-19: 'erase': constraints not satisfied
// clang-22: 'erase': constraints not satisfied
// net: -
// why: other readers are looking at the page.

void misuse(file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
#else
    auto page = file.write<heap_page>(0);
#endif
    page->erase(slot);
}
