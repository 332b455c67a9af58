// SPDX-License-Identifier: BSL-1.0
// group: own page kind
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'open' while loan 'page->lent' is held
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: shared first, then mutable.

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
    [[nodiscard]] quire::byte_view<std::byte> open() const& QUIRE_LIFETIMEBOUND
        requires quire::writable_page<Byte>
    QUIRE_LENDS_ALONE { return this->lend_alone(64, 8); }
    QUIRE_REFUSED_ON_TEMPORARY_PAGE(open);
};

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<word_page>(0);
    auto word = page->word();
    auto open = page->open();
    open.store<std::uint8_t>(0, word.load<std::uint8_t>(1));
#else
    auto page = file.write<word_page>(0);
    {
        auto word = page->word();
        use(word[0]);
    }
    auto open = page->open();
    open.store<std::uint8_t>(0, 1);
#endif
}
