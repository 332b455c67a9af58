// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: accepts
// g++: a page kind's own bytes begin behind those that crc_seal writes
// clang-19: a page kind's own bytes begin behind those that crc_seal writes
// clang-22: a page kind's own bytes begin behind those that crc_seal writes
// why: the checksum and the page's number would overwrite the field when the page is written.

template <class Byte, std::size_t Size>
class counter_page {
public:
#ifdef MISUSE
    static constexpr std::size_t first_field_at = 8;
#else
    static constexpr std::size_t first_field_at = quire::crc_seal_bytes;
#endif
    explicit counter_page(std::span<Byte, Size> bytes) noexcept : bytes_{bytes} {}
    static void format(std::span<std::byte, Size>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, Size>) noexcept { return true; }
    [[nodiscard]] std::uint32_t count() const {
        return quire::load_le<std::uint32_t>(bytes_.data() + first_field_at);
    }

private:
    std::span<Byte, Size> bytes_;
};

void misuse([[maybe_unused]] file_type file) {
    auto page = file.read<counter_page>(0);
    use(page->count());
}
