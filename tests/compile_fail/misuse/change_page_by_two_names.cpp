// SPDX-License-Identifier: BSL-1.0
// group: page of a change
// chosen: a pointer, a reference or a second name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: two names of one page of a change are one page for checked builds, and two for clang.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, accounts] = with_log();
    quire::change change{pool};
    {
        auto page = change.write<heap_page>(accounts, 0);
        auto same = change.write<heap_page>(accounts, 0);
        auto const row = page->row<user>(slot);
        use(same->insert(user{}));
        use(row.get<&user::id>());
    }
    change.commit();
#else
    auto [pool, accounts] = with_log();
    quire::change change{pool};
    {
        auto page = change.write<heap_page>(accounts, 0);
        auto same = change.write<heap_page>(accounts, 0);
        use(same->insert(user{}));
        auto const row = page->row<user>(slot);
        use(row.get<&user::id>());
    }
    change.commit();
#endif
}
