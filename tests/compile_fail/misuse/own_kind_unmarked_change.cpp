// SPDX-License-Identifier: BSL-1.0
// group: own page kind
// chosen: an end or a change that no mark announces
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// uncaught: `write` asks nothing, and `put` has neither QUIRE_CHANGES nor `expect_unlent()`
// why: a kind writes by `write` where nothing that it lends is (page_view.hpp).

template <class Byte, std::size_t PageSize>
class word_page : public quire::page_view<word_page, Byte, PageSize> {
public:
    using word_page::page_view::page_view;
    static void format(std::span<std::byte, PageSize>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, PageSize>) noexcept { return true; }
    [[nodiscard]] quire::byte_view<std::byte const> word() const& QUIRE_LIFETIMEBOUND QUIRE_LENDS {
        return this->lend(64, 8);
    }
    QUIRE_REFUSED_ON_TEMPORARY_PAGE(word);
    void put(std::string_view text)
        requires quire::writable_page<Byte>
    {
        this->write(64, text);
    }
};
void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<word_page>(0);
    auto const word = page->word();
    page->put("new word");
    use(word[0]);
#else
    auto page = file.write<word_page>(0);
    page->put("new word");
    auto const word = page->word();
    use(word[0]);
#endif
}
