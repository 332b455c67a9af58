// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: use of deleted function .*say_the_type_of_the_row
// clang-19: say the type of the row
// clang-22: say the type of the row
// why: a page does not know what its tuples are.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    use(page->row(slot).get<&user::id>());
#else
    auto page = file.write<heap_page>(0);
    use(page->row<user>(slot).get<&user::id>());
#endif
}
