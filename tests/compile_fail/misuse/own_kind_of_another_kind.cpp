// SPDX-License-Identifier: BSL-1.0
// group: own page kind
// rust: rejects
// g++: (no matching|could not convert|conversion|invalid initialization)
// clang-19: (no matching|no viable|could not bind)
// clang-22: (no matching|no viable|could not bind)
// why: a view converts to the const view of its own kind, and of no other.

template <class Byte, std::size_t PageSize>
class word_page : public quire::page_view<word_page, Byte, PageSize> {
public:
    using word_page::page_view::page_view;
    static void format(std::span<std::byte, PageSize>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, PageSize>) noexcept { return true; }
};

template <class Byte, std::size_t PageSize>
class other_page : public quire::page_view<other_page, Byte, PageSize> {
public:
    using other_page::page_view::page_view;
    static void format(std::span<std::byte, PageSize>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, PageSize>) noexcept { return true; }
};

void look(word_page<std::byte const, 4096> const&) {}

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<other_page>(0);
    look(*page.operator->());
#else
    auto page = file.write<word_page>(0);
    look(*page.operator->());
#endif
}
