// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: (use of deleted function .*column_text::(operator|view)|no match for .operator=)
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: what a column that may be null lends ends with the column.

struct memo {
    std::int64_t id = 0;
    std::optional<std::string> note;
    std::vector<std::byte> bytes;
};
BOOST_DESCRIBE_STRUCT(memo, (), (id, note, bytes))
void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    slot_id at;
    {
        auto page = file.write<heap_page>(1);
        at = page->insert(memo{1, "a note", {std::byte{1}, std::byte{2}}}).value();
    }
    std::string_view view;
    {
        auto page = file.read<heap_page>(1);
        auto row = page->row<memo>(at);
        if (auto const note = row.get<&memo::note>()) { view = *note; }
    }
    use(view);
#else
    slot_id at;
    {
        auto page = file.write<heap_page>(1);
        at = page->insert(memo{1, "a note", {std::byte{1}, std::byte{2}}}).value();
    }
    std::string copy;
    {
        auto page = file.read<heap_page>(1);
        auto row = page->row<memo>(at);
        if (auto const note = row.get<&memo::note>()) { copy = *note; }
    }
    use(copy);
#endif
}
