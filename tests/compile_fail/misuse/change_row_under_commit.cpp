// SPDX-License-Identifier: BSL-1.0
// group: page of a change
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'commit' while loan 'change.lent' is held
// checked: a change ends only while none of its pages has a name
// why: a row ends before the change lets its page go.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, accounts] = with_log();
    quire::change change{pool};
    auto page = change.write<heap_page>(accounts, 0);
    auto row = page->row<user>(slot);
    row.set<&user::balance>(2.5);
    change.commit();
    use(row.get<&user::id>());
#else
    auto [pool, accounts] = with_log();
    quire::change change{pool};
    {
        auto page = change.write<heap_page>(accounts, 0);
        auto row = page->row<user>(slot);
        row.set<&user::balance>(2.5);
        use(row.get<&user::id>());
    }
    change.commit();
#endif
}
