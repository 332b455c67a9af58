// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function .*use_with_span_or_unguarded_span
// clang-19: a std::span could outlive the page
// clang-22: a std::span could outlive the page
// why: the span is of a page that no guard holds any more.

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
    std::span<std::byte const> kept;
    {
        auto page = file.read<heap_page>(1);
        auto row = page->row<memo>(at);
        auto const bytes = row.get<&memo::bytes>();
        kept = bytes.span();
    }
    use(kept[0]);
#else
    slot_id at;
    {
        auto page = file.write<heap_page>(1);
        at = page->insert(memo{1, "a note", {std::byte{1}, std::byte{2}}}).value();
    }
    std::vector<std::byte> kept;
    {
        auto page = file.read<heap_page>(1);
        auto row = page->row<memo>(at);
        auto const bytes = row.get<&memo::bytes>();
        kept.assign(bytes.begin(), bytes.end());
    }
    use(kept[0]);
#endif
}
