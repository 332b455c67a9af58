// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function .*operator&
// clang-19: a pointer to what a page lends could outlive it
// clang-22: a pointer to what a page lends could outlive it
// why: the row ends with its block, and its address does not.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    quire::row_view<user, std::byte const> const* kept = nullptr;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        kept = &row;
    }
    use(kept->get<&user::id>());
#else
    std::int64_t kept = 0;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        kept = row.get<&user::id>();
    }
    use(kept);
#endif
}
