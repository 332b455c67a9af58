// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: rejects
// g++: use of deleted function .*the_page_is_shared .*compact
// clang-19: 'compact': the page is shared
// clang-22: 'compact': the page is shared
// why: with_read lends the const view.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    file.with_read<heap_page>(0, [](auto& page) { page.compact(); });
#else
    file.with_write<heap_page>(0, [](auto& page) { page.compact(); });
#endif
}
