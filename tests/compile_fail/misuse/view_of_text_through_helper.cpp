// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: (use of deleted function .*column_text::(operator|view)|no match for .operator=)
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: a function without annotations passes the borrow on.

#ifdef MISUSE
std::string_view text_of(quire::column_text const& text) { return text.view(); }
void misuse(file_type file) {
    std::string_view kept;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        kept = text_of(name);
    }
    use(kept);
}
#else
std::string text_of(quire::column_text const& text) { return text; }
void misuse(file_type file) {
    std::string kept;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        kept = text_of(name);
    }
    use(kept);
}
#endif
