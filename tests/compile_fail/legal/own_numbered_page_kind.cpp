// SPDX-License-Identifier: BSL-1.0
// why: a page kind may ask for its page's number, and keep it beside its span.

template <class Byte, std::size_t Size>
class first_page_differs {
public:
    first_page_differs(std::span<Byte, Size> bytes, page_no no) noexcept
        : bytes_{bytes}, number_{no} {}
    static void format(std::span<std::byte, Size> bytes, page_no no) noexcept {
        bytes[begin(no)] = std::byte{7};
    }
    static bool accepts(std::span<std::byte const, Size> bytes, page_no no) noexcept {
        return bytes[begin(no)] == std::byte{7};
    }
    [[nodiscard]] std::size_t begin() const noexcept { return begin(number_); }

private:
    static std::size_t begin(page_no no) noexcept { return no == 0 ? 112 : 12; }
    std::span<Byte> bytes_;
    page_no number_;
};
void legal(file_type file) {
    auto page = file.append<first_page_differs>();
    use(page->begin() + page.view().begin());
    page.release();
    auto reader = file.read<first_page_differs>(0);
    reader.advance(file, 1);
    use(reader->begin());
}
