// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// chosen: elided
// form: elided
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: a member of an aggregate is made in its place; the compilers do not follow the struct.

using row_type = decltype(std::declval<reader&>()->row<user>(slot));
struct session {
    int number;
    row_type row;
};
void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::unique_ptr<session> kept;
    {
        auto page = file.read<heap_page>(0);
        kept.reset(new session{1, page->row<user>(slot)});
    }
    use(kept->row.get<&user::name>().front());
#else
    auto page = file.read<heap_page>(0);
    auto const row = page->row<user>(slot);
    use(row.get<&user::name>().front());
#endif
}
