// SPDX-License-Identifier: BSL-1.0
// group: borrow from a temporary
// rust: rejects
// g++: use of deleted function .*operator->
// clang-19: name it first
// clang-22: name it first
// why: the column ends with the statement, and it may be null.

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
    auto page = file.write<heap_page>(1);
    auto const view = page->row<memo>(at).get<&memo::note>()->view();
    page->erase(at);
    use(view);
#else
    slot_id at;
    {
        auto page = file.write<heap_page>(1);
        at = page->insert(memo{1, "a note", {std::byte{1}, std::byte{2}}}).value();
    }
    auto page = file.write<heap_page>(1);
    std::string const copy = page->row<memo>(at).get<&memo::note>().value_or("");
    page->erase(at);
    use(copy);
#endif
}
