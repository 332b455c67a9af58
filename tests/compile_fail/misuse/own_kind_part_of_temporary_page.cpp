// SPDX-License-Identifier: BSL-1.0
// group: own page kind
// rust: rejects
// g++: use of deleted function .*name_the_page_first
// clang-19: a temporary ends at once: name it first
// clang-22: a temporary ends at once: name it first
// why: the page without a name ends with the statement.

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

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto guard = file.read<word_page>(0);
    auto word = (*guard).word();
    use(word[0]);
#else
    auto guard = file.read<word_page>(0);
    auto page = *guard;
    auto word = page.word();
    use(word[0]);
#endif
}
