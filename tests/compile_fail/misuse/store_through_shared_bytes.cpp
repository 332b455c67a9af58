// SPDX-License-Identifier: BSL-1.0
// group: mutation through shared access
// rust: rejects
// g++: use of deleted function .*the_page_is_shared .*store
// clang-19: 'store': the page is shared
// clang-22: 'store': the page is shared
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
