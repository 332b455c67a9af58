// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: accepts
// g++: ignoring return value.*|nothing was inserted
// clang-19: ignoring return value
// clang-22: ignoring return value
// why: a full page takes nothing, and says so.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    page->insert(user{});
#else
    auto page = file.write<heap_page>(0);
    if (!page->insert(user{})) { return; }
#endif
}
