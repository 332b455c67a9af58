// SPDX-License-Identifier: BSL-1.0
// group: borrow from a temporary
// rust: rejects
// g++: use of deleted function .*use_with_span_or_unguarded_span
// clang-19: a std::span could outlive the page
// clang-22: a std::span could outlive the page
// why: the bytes of a column are lent like a tuple.

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
    auto const bytes = page->row<memo>(at).get<&memo::bytes>().span();
    page->erase(at);
    use(bytes[0]);
#else
    slot_id at;
    {
        auto page = file.write<heap_page>(1);
        at = page->insert(memo{1, "a note", {std::byte{1}, std::byte{2}}}).value();
    }
    auto page = file.write<heap_page>(1);
    auto const bytes = page->row<memo>(at).load().bytes;
    page->erase(at);
    use(bytes[0]);
#endif
}
