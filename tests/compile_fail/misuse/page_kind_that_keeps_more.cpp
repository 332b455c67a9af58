// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: accepts
// g++: a page kind holds the span and nothing else
// clang-19: a page kind holds the span and nothing else
// clang-22: a page kind holds the span and nothing else
// why: the other view of a write guard changes the page, and this one then uses stale members.

template <class Byte, std::size_t Size>
class counter_page {
public:
    explicit counter_page(std::span<Byte, Size> bytes) noexcept : bytes_{bytes} {
#ifdef MISUSE
        first_ = quire::load_le<std::uint64_t>(bytes.data() + 16);
        second_ = quire::load_le<std::uint64_t>(bytes.data() + 24);
#endif
    }
    static void format(std::span<std::byte, Size>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, Size>) noexcept { return true; }

private:
    std::span<Byte> bytes_;
#ifdef MISUSE
    std::uint64_t first_;
    std::uint64_t second_;
#endif
};

void misuse([[maybe_unused]] file_type file) {
    use(file.read<counter_page>(0));
}
