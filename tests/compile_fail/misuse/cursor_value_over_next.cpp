// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// chosen: what a cursor lends, over its next step
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'next' while loan 'at.lent' is held
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: a cursor has a copy of the value, which the next step overwrites.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, empty] = with_nothing();
    quire::catalog db{pool, std::move(empty)};
    quire::btree<std::uint32_t, user> tree{db, "tree"};
    tree.put(1, user{1, "Ada", {}});
    tree.put(2, user{2, "Grace", {}});
    auto at = tree.first();
    auto const value = at.value();
    at.next();
    use(value.get<&user::name>());
#else
    auto [pool, empty] = with_nothing();
    quire::catalog db{pool, std::move(empty)};
    quire::btree<std::uint32_t, user> tree{db, "tree"};
    tree.put(1, user{1, "Ada", {}});
    tree.put(2, user{2, "Grace", {}});
    auto at = tree.first();
    {
        auto const value = at.value();
        use(value.get<&user::name>());
    }
    at.next();
#endif
}
