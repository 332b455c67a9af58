// SPDX-License-Identifier: BSL-1.0
// group: guard ended under a borrow
// rust: rejects
// g++: -
// clang-19: (temporary .* destroyed|does not live long enough)
// clang-22: (temporary .* destroyed|does not live long enough)
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: the text is used after its page was released.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto const name = page->row<user>(slot).get<&user::name>();
    page.advance(file, 1);
    use(name);
#else
    auto page = file.read<heap_page>(0);
    std::string const name = page->row<user>(slot).get<&user::name>();
    page.advance(file, 1);
    use(name);
#endif
}
