// SPDX-License-Identifier: BSL-1.0
// group: borrow from a temporary
// rust: rejects
// g++: (use of deleted function .*column_text::(operator|view)|no match for .operator=)
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: the text has ended, and its bytes are free.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto const name = page->row<user>(slot).get<&user::name>().view();
    page->erase(slot);
    use(name);
#else
    auto page = file.write<heap_page>(0);
    std::string const name{page->row<user>(slot).get<&user::name>()};
    page->erase(slot);
    use(name);
#endif
}
