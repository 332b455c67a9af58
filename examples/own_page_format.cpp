// SPDX-License-Identifier: BSL-1.0

/// own_page_format: your own page kind. The view is a class of a few lines; one file keeps its
/// pages as they are, another seals them with a checksum of its own.

#include <quire/quire.hpp>

#include <cstdio>
#include <iostream>

//! [view]
/// Byte map: 0 "TALY", 4 the seal, 8 a number of 8 bytes. It fits the two seals of this program:
/// under crc_seal, the default, the first 12 bytes would belong to the seal.
template <class Byte, std::size_t PageSize>
class tally_page : public quire::page_view<tally_page, Byte, PageSize> {
    static constexpr quire::field_le<std::uint32_t> tag{0};
    static constexpr quire::field_le<std::uint64_t> number{8};
    static constexpr std::uint32_t taly = 0x594C'4154;

public:
    using tally_page::page_view::page_view;
    static void format(std::span<std::byte, PageSize> bytes, quire::page_no) noexcept {
        tag.store(bytes, taly);
        number.store(bytes, 0);
    }
    static bool accepts(std::span<std::byte const, PageSize> bytes) noexcept {
        return tag.load(bytes) == taly;
    }

    [[nodiscard]] std::uint64_t count() const noexcept { return this->load(number); }
    void add(std::uint64_t n) noexcept
        requires quire::writable_page<Byte>
    {
        this->store(number, count() + n);
    }
};
static_assert(quire::page_kind<tally_page, 4096>);
//! [view]

//! [seal]
/// Fletcher's sums of the page's number and of all bytes except the four that keep the sums. The
/// number is counted from `first`, a value of the file: a page of another file does not pass.
std::uint32_t sums(std::span<std::byte const> bytes, quire::page_id id,
                   std::uint64_t first) noexcept {
    std::uint32_t a = 1 + static_cast<std::uint32_t>((first + id.page().value()) % 65'521);
    std::uint32_t b = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i < 4 || i >= 8) { a = (a + std::to_integer<std::uint32_t>(bytes[i])) % 65'521; }
        b = (b + a) % 65'521;
    }
    return b << 16 | a;
}
quire::page_state check(std::span<std::byte const> bytes, quire::page_id id,
                        std::uint64_t first) noexcept {
    if (quire::load_le<std::uint32_t>(bytes.data() + 4) == sums(bytes, id, first)) {
        return quire::page_state::good;
    }
    for (std::byte b : bytes) {
        if (b != std::byte{0}) { return quire::page_state::corrupt; }
    }
    return quire::page_state::blank;  // the file was grown, and the page never written
}
void seal(std::span<std::byte> bytes, quire::page_id id, std::uint64_t first) noexcept {
    quire::store_le<std::uint32_t>(bytes.data() + 4, sums(bytes, id, first));
}
constexpr quire::page_seal fletcher_seal{check, seal, 1'000};  // this file's first page is 1,000
//! [seal]

/// Changes a byte of a page without the pool, and returns what a read of it then gives in a file
/// with `page_seal`.
std::string after_damage(char const* name, quire::page_seal const& page_seal) {
    quire::buffer_pool<> pool{{.frames = 8}};
    auto file = pool.open(name, quire::open_mode::create_or_replace, {.seal = page_seal});
    {
        auto page = file.append<tally_page>();
        page->add(42);
    }
    file.close();
    std::FILE* const raw = std::fopen(name, "r+b");
    if (raw == nullptr || std::fseek(raw, 9, SEEK_SET) != 0) { return "no file"; }
    std::fputc(1, raw);  // 256 more
    std::fclose(raw);
    try {
        file = pool.open(name, quire::open_mode::read_write, {.seal = page_seal});
        auto const page = file.read<tally_page>(0);
        return std::to_string(page->count());
    } catch (quire::error const& e) { return e.code().message(); }
}

int main() {
    auto const unsealed = after_damage("own_format.raw", quire::no_seal);
    auto const sealed = after_damage("own_format.sealed", fletcher_seal);
    std::cout << "unsealed: " << unsealed << ", sealed: " << sealed << '\n';
    std::array<std::byte, 4096> const zeros{};
    auto const zero = check(zeros, quire::page_id{quire::file_no{0}, 7}, 1'000);
    bool const all = zero == quire::page_state::blank && unsealed == "298" &&
                     sealed == "page is corrupt";
    return all ? 0 : 1;
}
