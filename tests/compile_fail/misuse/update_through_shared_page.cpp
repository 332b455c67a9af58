// SPDX-License-Identifier: BSL-1.0
// group: mutation through shared access
// rust: rejects
// g++: use of deleted function .*the_page_is_shared .*update
// clang-19: 'update': the page is shared
// clang-22: 'update': the page is shared
// why: other readers hold this page.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    use(page->update(slot, user{}));
#else
    auto page = file.write<heap_page>(0);
    use(page->update(slot, user{}));
#endif
}
