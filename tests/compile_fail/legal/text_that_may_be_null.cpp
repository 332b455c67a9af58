// SPDX-License-Identifier: BSL-1.0
// why: a string column that may be null is used like an optional.

struct memo {
    std::int64_t id = 0;
    std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(memo, (), (id, note))
void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<memo>(slot);
    if (auto const note = row.get<&memo::note>()) {
        use(note->with_view([](std::string_view view) { return view.size(); }) + note->size());
        use(*note);
    }
    std::ostringstream out;
    out << row.get<&memo::note>().value_or("none");
    auto const note = row.get<&memo::note>().value_or("none");
    use(note);
    std::optional<std::string> const copy = page->row<memo>(slot).get<&memo::note>();
    std::string const text = row.get<&memo::note>().value_or(copy.value_or("no copy"));
    use(row.get<&memo::note>() == "x" || row.get<&memo::note>() == std::nullopt);
    use(row.get<&memo::note>() == copy && row.get<&memo::note>().has_value());
    use(text);
    for (auto const& [id, remark] : page->rows<memo>()) {
        if (remark) { use(*remark); }
        use(id);
    }
}
