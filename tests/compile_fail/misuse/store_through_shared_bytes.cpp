// SPDX-License-Identifier: BSL-1.0
// group: mutation through shared access
// rust: rejects
// g++: no matching function for call to .*store
// clang-19: no matching member function for call to 'store'
// clang-22: no matching member function for call to 'store'
// net: -
// why: raw bytes of a shared page are const.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read(0);
    page->bytes().store<int>(64, 1);
#else
    auto page = file.write(0);
    page->bytes().store<int>(64, 1);
#endif
}
