// SPDX-License-Identifier: BSL-1.0
// group: page of a change
// rust: rejects
// g++: (use of deleted function|no match for .operator=)
// clang-19: (deleted|no viable overloaded)
// clang-22: (deleted|no viable overloaded)
// why: a page of a change stays where it is named.

using writer_of_change = decltype(std::declval<quire::change<>&>().write<heap_page>(
    std::declval<file_type const&>(), page_no{0}));
void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, accounts] = with_log();
    std::optional<writer_of_change> kept;
    pool.change([&](quire::change<>& change) { kept = change.write<heap_page>(accounts, 0); });
    use((*kept)->size());
#else
    auto [pool, accounts] = with_log();
    std::size_t kept = 0;
    pool.change([&](quire::change<>& change) {
        auto page = change.write<heap_page>(accounts, 0);
        kept = page->size();
    });
    use(kept);
#endif
}
