// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: -
// clang-22: does not live long enough
// poison: use-after-poison
// why: a function without annotations passes the borrow on.

std::string_view text_of(quire::column_text const& text) { return text.view(); }

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::string_view kept;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        kept = text_of(name);
    }
    use(kept);
#else
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    auto const name = row.get<&user::name>();
    std::string_view const kept = text_of(name);
    use(kept);
#endif
}
