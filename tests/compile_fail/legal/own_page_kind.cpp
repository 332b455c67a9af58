// SPDX-License-Identifier: BSL-1.0
// why: a user's own format, a plain class.

template <class Byte, std::size_t Size>
class counter_page {
public:
    explicit counter_page(std::span<Byte, Size> bytes) noexcept : bytes_{bytes} {}
    static void format(std::span<std::byte, Size> bytes, page_no) noexcept {
        quire::store_le<std::uint64_t>(bytes.data() + 16, 0);
    }
    static bool accepts(std::span<std::byte const, Size>) noexcept { return true; }
    [[nodiscard]] std::uint64_t value() const {
        return quire::load_le<std::uint64_t>(bytes_.data() + 16);
    }
    void add(std::uint64_t n) { quire::store_le(bytes_.data() + 16, value() + n); }

private:
    std::span<Byte, Size> bytes_;
};
void legal(file_type file) {
    auto page = file.append<counter_page>();
    page->add(2);
    use(page.view().value());
    page.release();
}
