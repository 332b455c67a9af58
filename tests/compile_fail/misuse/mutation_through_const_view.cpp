// SPDX-License-Identifier: BSL-1.0
// group: mutation through shared access
// rust: rejects
// g++: no matching function for call to .*heap_page.*erase
// clang-19: 'erase': constraints not satisfied
// clang-22: 'erase': constraints not satisfied
// net: -
// why: view() lends the page for reading.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    page.view().erase(slot);
#else
    auto page = file.write<heap_page>(0);
    page->erase(slot);
#endif
}
