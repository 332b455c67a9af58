// SPDX-License-Identifier: BSL-1.0
// group: borrow from a temporary
// rust: rejects
// g++: name_the_view_first
// clang-19: name it first
// clang-22: name it first
// why: the range, which is the loan, ends at once.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto row = *page->rows<user>().begin();
    page->erase(slot);
    use(row.get<&user::id>());
#else
    auto page = file.write<heap_page>(0);
    {
        auto rows = page->rows<user>();
        auto row = *rows.begin();
        use(row.get<&user::id>());
    }
    page->erase(slot);
#endif
}
