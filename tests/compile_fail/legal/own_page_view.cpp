// SPDX-License-Identifier: BSL-1.0
// why: a page kind by page_view lends and changes in turn, adds to the page while a part is lent,
// and is passed on by reference.

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
    [[nodiscard]] quire::column_text text() const& QUIRE_LIFETIMEBOUND {
        return this->lend_text(64, 8);
    }
    QUIRE_REFUSED_ON_TEMPORARY_PAGE(text);
    void clear()
        requires quire::writable_page<Byte>
    QUIRE_CHANGES {
        this->expect_unlent();
        this->store(quire::field_le<std::uint64_t>{64}, 0);
    }
    QUIRE_REFUSED_ON_SHARED(clear);
    void add(std::string_view text)
        requires quire::writable_page<Byte>
    {
        this->write(128, text);
    }
};
std::size_t length_in(word_page<std::byte const, 4096> const& page) {
    auto word = page.word();
    return word.size();
}
bool is_ada(word_page<std::byte const, 4096> const& page) {
    return page.text().size() == 8 && page.text() == "Ada";
}
void legal(file_type file) {
    auto page = file.write<word_page>(0);
    {
        auto word = page->word();
        std::string const copy = word.text();
        page->add(copy);
        use(word.text());
    }
    page->clear();
    {
        auto open = page->open();
        open.store<std::uint8_t>(0, 1);
    }
    if (page->text() == "Ada") { page->clear(); }
    auto const look = page.view();
    use(length_in(look));
    use(is_ada(look));
}
void legal_by_name(file_type file) {
    auto guard = file.read<word_page>(0);
    auto page = *guard;
    use(length_in(page));
}
