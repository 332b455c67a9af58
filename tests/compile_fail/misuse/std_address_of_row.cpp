// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// chosen: a pointer, a reference or a second name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: does not live long enough
// poison: stack-use-after-scope
// why: std::addressof needs no operator&; the row has ended, and nothing counts its address.

using row_type = decltype(std::declval<reader&>()->row<user>(slot));
void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    row_type const* at = nullptr;
    {
        auto page = file.read<heap_page>(0);
        auto const row = page->row<user>(slot);
        at = std::addressof(row);
    }
    use(at->get<&user::id>());
#else
    auto page = file.read<heap_page>(0);
    auto const row = page->row<user>(slot);
    use(row.get<&user::id>());
#endif
}
