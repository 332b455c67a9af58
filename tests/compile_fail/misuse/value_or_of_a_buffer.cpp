// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: accepts
// g++: constant expression
// clang-19: not a constant expression
// clang-22: not a constant expression
// why: what stands for null is a literal: a buffer may end before the text that shows it.

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
    auto page = file.read<heap_page>(1);
    auto row = page->row<memo>(at);
    char const none[] = "none";
    auto const note = row.get<&memo::note>().value_or(none);
    use(note);
#else
    slot_id at;
    {
        auto page = file.write<heap_page>(1);
        at = page->insert(memo{1, "a note", {std::byte{1}, std::byte{2}}}).value();
    }
    auto page = file.read<heap_page>(1);
    auto row = page->row<memo>(at);
    auto const note = row.get<&memo::note>().value_or("none");
    use(note);
#endif
}
