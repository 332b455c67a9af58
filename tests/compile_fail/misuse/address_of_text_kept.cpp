// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function .*operator&
// clang-19: a pointer to what a page lends could outlive it
// clang-22: a pointer to what a page lends could outlive it
// why: the text ends with its block, and its address does not.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    quire::column_text const* kept = nullptr;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        kept = &name;
    }
    use(kept->size());
#else
    std::size_t kept = 0;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        kept = name.size();
    }
    use(kept);
#endif
}
