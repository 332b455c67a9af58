// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'erase' while loan 'page->lent' is held
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: a page of a change follows its rows as a guard does.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, accounts] = with_log();
    quire::change change{pool};
    auto page = change.write<heap_page>(accounts, 0);
    auto row = page->row<user>(slot);
    page->erase(last_slot);
    use(row.get<&user::id>());
#else
    auto [pool, accounts] = with_log();
    quire::change change{pool};
    auto page = change.write<heap_page>(accounts, 0);
    page->erase(last_slot);
    auto row = page->row<user>(slot);
    use(row.get<&user::id>());
#endif
}
