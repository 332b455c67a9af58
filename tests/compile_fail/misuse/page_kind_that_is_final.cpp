// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: accepts
// g++: a page kind is no final class
// clang-19: a page kind is no final class
// clang-22: a page kind is no final class
// why: the page by a name of its own, `auto page = *guard`, is derived from the kind's view.

#ifdef MISUSE
#define FINAL final
#else
#define FINAL
#endif
template <class Byte, std::size_t Size>
class ticket_page FINAL : public quire::lender {
public:
    explicit ticket_page(std::span<Byte, Size> bytes) noexcept : bytes_{bytes} {}
    static void format(std::span<std::byte, Size>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, Size>) noexcept { return true; }

private:
    std::span<Byte> bytes_;
};
#undef FINAL

void misuse([[maybe_unused]] file_type file) {
    use(file.read<ticket_page>(0));
}
