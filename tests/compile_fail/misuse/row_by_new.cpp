// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// chosen: elided
// form: elided
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function '~read_guard' while loan 'page->lent' is held
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: `new` makes a row in its place, on the heap.

using row_type = decltype(std::declval<reader&>()->row<user>(slot));
void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    row_type* row = nullptr;
    {
        auto page = file.read<heap_page>(0);
        row = new row_type(page->row<user>(slot));
    }
    use(row->get<&user::name>().front());
    delete row;
#else
    auto page = file.read<heap_page>(0);
    auto const row = page->row<user>(slot);
    use(row.get<&user::name>().front());
#endif
}
