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
// why: a static that is made in its place outlives every guard.

#ifdef MISUSE
char first_letter(file_type file, page_no no) {
    auto page = file.read<heap_page>(no);
    static auto const row = page->row<user>(slot);
    return row.get<&user::name>().front();
}
#else
char first_letter(file_type file, page_no no) {
    auto page = file.read<heap_page>(no);
    auto const row = page->row<user>(slot);
    return row.get<&user::name>().front();
}
#endif
void misuse(file_type file) {
    use(first_letter(file, page_no{0}));
    use(first_letter(file, page_no{1}));
}
