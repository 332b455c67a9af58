// SPDX-License-Identifier: BSL-1.0
// group: page of a change
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'commit' while loan 'change.lent' is held
// checked: a change ends only while none of its pages has a name
// why: after the commit others may write the page.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, accounts] = with_log();
    quire::change change{pool};
    auto page = change.write<heap_page>(accounts, 0);
    page->erase(slot);
    change.commit();
    use(page->size());
#else
    auto [pool, accounts] = with_log();
    quire::change change{pool};
    {
        auto page = change.write<heap_page>(accounts, 0);
        page->erase(slot);
        use(page->size());
    }
    change.commit();
#endif
}
