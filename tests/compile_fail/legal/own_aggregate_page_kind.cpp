// SPDX-License-Identifier: BSL-1.0
// why: a page kind may be an aggregate.

template <class Byte, std::size_t PageSize>
struct counter_page {
    std::span<Byte, PageSize> bytes;
    static void format(std::span<std::byte, PageSize>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, PageSize>) noexcept { return true; }
    [[nodiscard]] std::byte last() const { return bytes.back(); }
};
void legal(file_type file) {
    auto page = file.read<counter_page>(0);
    use(page->last());
}
