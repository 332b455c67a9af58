// SPDX-License-Identifier: BSL-1.0
// why: a page kind by numbered_page_view asks for its page's number, and lends.

template <class Byte, std::size_t PageSize>
class first_page_differs
    : public quire::numbered_page_view<first_page_differs, Byte, PageSize> {
public:
    using first_page_differs::page_view::page_view;
    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        bytes[begin(no)] = std::byte{7};
    }
    static bool accepts(std::span<std::byte const, PageSize> bytes, page_no no) noexcept {
        return bytes[begin(no)] == std::byte{7};
    }
    [[nodiscard]] quire::byte_view<std::byte const> first() const& QUIRE_LIFETIMEBOUND QUIRE_LENDS {
        return this->lend(begin(this->number()), 1);
    }
    QUIRE_REFUSED_ON_TEMPORARY_PAGE(first);

private:
    static std::size_t begin(page_no no) noexcept { return no == 0 ? 112 : 12; }
};
std::size_t length_in(first_page_differs<std::byte const, 4096> const& page) {
    auto first = page.first();
    return first.size();
}
void legal(file_type file) {
    auto page = file.append<first_page_differs>();
    use(length_in(page.view()));
    {
        auto named = *page;
        use(length_in(named));
    }
    page.release();
    auto reader = file.read<first_page_differs>(0);
    reader.advance(file, 1);
    {
        auto first = reader->first();
        use(first[0]);
    }
}
