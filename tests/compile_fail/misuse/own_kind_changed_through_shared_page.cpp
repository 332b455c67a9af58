// SPDX-License-Identifier: BSL-1.0
// group: own page kind
// rust: rejects
// g++: use of deleted function .*the_page_is_shared
// clang-19: the page is shared
// clang-22: the page is shared
// why: a shared guard lends a page that cannot be changed.

template <class Byte, std::size_t PageSize>
class word_page : public quire::page_view<word_page, Byte, PageSize> {
public:
    using word_page::page_view::page_view;
    static void format(std::span<std::byte, PageSize>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, PageSize>) noexcept { return true; }
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
    auto page = file.read<word_page>(0);
    page->clear();
#else
    auto page = file.write<word_page>(0);
    page->clear();
#endif
}
