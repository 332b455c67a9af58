// SPDX-License-Identifier: BSL-1.0
// group: mutation through shared access
// rust: rejects
// g++: use of deleted function .*the_page_is_shared .*erase
// clang-19: 'erase': the page is shared
// clang-22: 'erase': the page is shared
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
