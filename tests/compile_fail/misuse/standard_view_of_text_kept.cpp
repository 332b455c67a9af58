// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// chosen: a pointer, a reference or a second name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// poison: stack-use-after-scope
// why: a view of the standard library keeps the text's address.

using start_type = decltype(std::declval<quire::column_text const&>() | std::views::take(3));
void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::optional<start_type> start;
    {
        auto page = file.read<heap_page>(0);
        auto const row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        start.emplace(name | std::views::take(3));
    }
    for (char const c : *start) { use(c); }
#else
    auto page = file.read<heap_page>(0);
    auto const row = page->row<user>(slot);
    auto const name = row.get<&user::name>();
    for (char const c : start_type{name | std::views::take(3)}) { use(c); }
#endif
}
