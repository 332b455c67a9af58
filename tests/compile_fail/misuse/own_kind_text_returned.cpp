// SPDX-License-Identifier: BSL-1.0
// group: own page kind
// form: elided
// rust: rejects
// g++: -
// clang-19: (address of|reference to) stack memory
// clang-22: (address of|reference to) stack memory
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: nor does its text outlive the guard.

template <class Byte, std::size_t PageSize>
class word_page : public quire::page_view<word_page, Byte, PageSize> {
public:
    using word_page::page_view::page_view;
    static void format(std::span<std::byte, PageSize>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, PageSize>) noexcept { return true; }
    [[nodiscard]] quire::column_text text() const& QUIRE_LIFETIMEBOUND {
        return this->lend_text(64, 8);
    }
    QUIRE_REFUSED_ON_TEMPORARY_PAGE(text);
};

#ifdef MISUSE
auto first(file_type file) {
    auto page = file.read<word_page>(0);
    return page->text();
}
void misuse(file_type file) {
    use(first(file));
}
#else
std::string first(file_type file) {
    auto page = file.read<word_page>(0);
    return page->text();
}
void misuse(file_type file) {
    use(first(file));
}
#endif
