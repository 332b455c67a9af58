// SPDX-License-Identifier: BSL-1.0
// group: page of a change
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// checked: a change ends only while none of its pages has a name
// why: others may write the page when the change has let it go.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, accounts] = with_log();
    quire::change change{pool};
    auto page = change.read<heap_page>(accounts, 0);
    change.let_go(accounts, 0);
    use(page->size());
#else
    auto [pool, accounts] = with_log();
    quire::change change{pool};
    {
        auto page = change.read<heap_page>(accounts, 0);
        use(page->size());
    }
    change.let_go(accounts, 0);
#endif
}
