// SPDX-License-Identifier: BSL-1.0
// group: mutation through shared access
// rust: rejects
// g++: no matching function for call to .*heap_page.*erase
// clang-19: 'erase': constraints not satisfied
// clang-22: 'erase': constraints not satisfied
// net: -
// why: a const write guard is for reading.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto const page = file.write<heap_page>(0);
    page->erase(slot);
#else
    auto page = file.write<heap_page>(0);
    page->erase(slot);
#endif
}
