// SPDX-License-Identifier: BSL-1.0
// group: own page kind
// chosen: elided
// form: elided
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'release' while loan 'page->lent' is held
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: a member of an aggregate is made in its place.

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
};
struct place {
    quire::byte_view<std::byte const> word;
};
void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<word_page>(0);
    place at{page->word()};
    page.release();
    use(at.word[0]);
#else
    auto page = file.read<word_page>(0);
    {
        auto const word = page->word();
        use(word[0]);
    }
    page.release();
#endif
}
