// SPDX-License-Identifier: BSL-1.0
// group: mutation through shared access
// rust: rejects
// g++: no matching function for call to .*heap_page.*insert
// clang-19: no matching member function for call to 'insert'
// clang-22: no matching member function for call to 'insert'
// net: -
// why: others are reading this page.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    use(page->insert(user{}));
#else
    auto page = file.write<heap_page>(0);
    use(page->insert(user{}));
#endif
}
