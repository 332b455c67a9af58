// SPDX-License-Identifier: BSL-1.0
// group: page of a change
// chosen: an end or a change that no mark announces
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// checked: a change ends only while none of its pages has a name
// why: a change that ends without a commit undoes what it did, and lets its pages go.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, accounts] = with_log();
    auto change = std::make_unique<quire::change<>>(pool);
    auto page = change->write<heap_page>(accounts, 0);
    auto const row = page->row<user>(slot);
    change.reset();
    use(row.get<&user::id>());
#else
    auto [pool, accounts] = with_log();
    auto change = std::make_unique<quire::change<>>(pool);
    {
        auto page = change->write<heap_page>(accounts, 0);
        auto const row = page->row<user>(slot);
        use(row.get<&user::id>());
    }
    change.reset();
#endif
}
