// SPDX-License-Identifier: BSL-1.0
// group: mutation through shared access
// rust: rejects
// g++: use of deleted function .*the_page_is_shared
// clang-19: the page is shared
// clang-22: the page is shared
// why: what `read` gives is not changed, and so not logged.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, accounts] = with_log();
    quire::change change{pool};
    auto page = change.read<heap_page>(accounts, 0);
    page->erase(slot);
#else
    auto [pool, accounts] = with_log();
    quire::change change{pool};
    auto page = change.write<heap_page>(accounts, 0);
    page->erase(slot);
#endif
}
