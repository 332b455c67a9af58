// SPDX-License-Identifier: BSL-1.0
// group: own page kind
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'clear' while loan 'page->lent' is held
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: the text is lent by a part, which clang follows.

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
    void clear()
        requires quire::writable_page<Byte>
    QUIRE_CHANGES {
        this->expect_unlent();
        this->store(quire::field_le<std::uint64_t>{64}, 0);
    }
    QUIRE_REFUSED_ON_SHARED(clear);
};

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<word_page>(0);
    auto word = page->word();
    auto text = word.text();
    page->clear();
    use(text);
#else
    auto page = file.write<word_page>(0);
    {
        auto word = page->word();
        auto text = word.text();
        use(text);
    }
    page->clear();
#endif
}
