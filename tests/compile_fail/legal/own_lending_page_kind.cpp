// SPDX-License-Identifier: BSL-1.0
// why: a page kind of the user's may be a lender, and begin changes within changes.

template <class Byte, std::size_t PageSize>
class word_page : public quire::lender {
public:
    explicit word_page(std::span<Byte, PageSize> bytes) noexcept : bytes_{bytes} {}
    static void format(std::span<std::byte, PageSize>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, PageSize>) noexcept { return true; }
    [[nodiscard]] quire::byte_view<Byte> word() const& QUIRE_LIFETIMEBOUND QUIRE_LENDS {
        return quire::byte_view<Byte>{bytes_.subspan(64, 8), *this};
    }
    void clear() QUIRE_CHANGES {
        expect_unlent();
        drop();
    }
    void drop() QUIRE_CHANGES {
        expect_unlent();
        bytes_[64] = std::byte{};
    }

private:
    std::span<Byte, PageSize> bytes_;
};
void legal(file_type file) {
    auto page = file.write<word_page>(0);
    {
        auto word = page->word();
        use(word.size());
    }
    page->clear();
}
