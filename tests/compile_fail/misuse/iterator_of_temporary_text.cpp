// SPDX-License-Identifier: BSL-1.0
// group: borrow from a temporary
// rust: rejects
// g++: name_the_text_first
// clang-19: name it first
// clang-22: name it first
// why: the text ends with the statement, and its iterator may be kept.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto const first = page->row<user>(slot).get<&user::name>().begin();
    page->erase(slot);
    use(*first);
#else
    auto page = file.write<heap_page>(0);
    auto const first = page->row<user>(slot).get<&user::name>().front();
    page->erase(slot);
    use(first);
#endif
}
