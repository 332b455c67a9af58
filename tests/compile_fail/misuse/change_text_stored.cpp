// SPDX-License-Identifier: BSL-1.0
// group: page of a change
// rust: rejects
// g++: use of deleted function .*column_text::operator
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: the closure writes to a variable outside, and the change ends with it.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, accounts] = with_log();
    std::string_view name;
    pool.change([&](quire::change<>& change) {
        auto page = change.read<heap_page>(accounts, 0);
        auto row = page->row<user>(slot);
        name = row.get<&user::name>();
    });
    use(name);
#else
    auto [pool, accounts] = with_log();
    std::string name;
    pool.change([&](quire::change<>& change) {
        auto page = change.read<heap_page>(accounts, 0);
        auto row = page->row<user>(slot);
        name = row.get<&user::name>();
    });
    use(name);
#endif
}
