// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// chosen: a pointer, a reference or a second name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// poison: stack-use-after-scope
// why: a column read is a temporary, which ends with its line.

class label {
public:
    explicit label(quire::column_text const& text) : text_{text} {}
    std::size_t size() const { return text_.size(); }

private:
    quire::column_text const& text_;
};
void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto const row = page->row<user>(slot);
    label const name{row.get<&user::name>()};
    use(name.size());
#else
    auto page = file.read<heap_page>(0);
    auto const row = page->row<user>(slot);
    auto const text = row.get<&user::name>();
    label const name{text};
    use(name.size());
#endif
}
