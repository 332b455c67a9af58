// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: (use of deleted function .*column_text::(operator|view)|no match for .operator=)
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: the names of a row end with each step of the loop.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::string_view view;
    {
        auto page = file.read<heap_page>(0);
        for (auto const& [id, name, balance] : page->rows<user>()) {
            if (id == 0) { view = name; }
        }
    }
    use(view);
#else
    std::string copy;
    {
        auto page = file.read<heap_page>(0);
        for (auto const& [id, name, balance] : page->rows<user>()) {
            if (id == 0) { copy = name; }
        }
    }
    use(copy);
#endif
}
