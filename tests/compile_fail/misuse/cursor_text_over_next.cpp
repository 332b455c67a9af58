// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// chosen: what a cursor lends, over its next step
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: likewise; a text is counted, and not followed by clang (column_text.hpp).

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, empty] = with_nothing();
    quire::catalog db{pool, std::move(empty)};
    quire::btree<std::uint32_t, std::string> tree{db, "tree"};
    tree.put(1, "Ada");
    tree.put(2, "Eve");
    auto at = tree.first();
    auto const value = at.value();
    at.next();
    use(value);
#else
    auto [pool, empty] = with_nothing();
    quire::catalog db{pool, std::move(empty)};
    quire::btree<std::uint32_t, std::string> tree{db, "tree"};
    tree.put(1, "Ada");
    tree.put(2, "Eve");
    auto at = tree.first();
    {
        auto const value = at.value();
        use(value);
    }
    at.next();
#endif
}
