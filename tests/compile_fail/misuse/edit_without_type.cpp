// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: use of deleted function .*say_the_type_of_the_row
// clang-19: say the type of the row
// clang-22: say the type of the row
// why: the function's name shows it, but a page does not know the type.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    use(page->edit(slot, [](user& u) { u.id = 2; }));
#else
    auto page = file.write<heap_page>(0);
    use(page->edit<user>(slot, [](user& u) { u.id = 2; }));
#endif
}
