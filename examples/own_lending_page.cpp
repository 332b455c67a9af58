// SPDX-License-Identifier: BSL-1.0

/// own_lending_page: your own page kind that lends parts of its page. The compiler and a checked
/// build follow what it lends as they follow quire's rows: clang 22 and -DQUIRE_CHECKED=1 both
/// refuse a pop() while a message is lent.

#include <quire/quire.hpp>

#include <iostream>
#include <string_view>

//! [view]
/// A queue of messages. Byte map: 0 the seal, 12 "MSGS", 16 bytes in use, 18 messages of two bytes
/// of length and text.
template <class Byte, std::size_t PageSize>
class message_page : public quire::lender {
    static constexpr std::size_t used_at = 16;
    static constexpr std::size_t begin = 18;
    static constexpr std::uint32_t magic = 0x5347'534D;

public:
    /// Where "MSGS" is. The compiler checks that it is behind the seal.
    static constexpr std::size_t first_field_at = quire::crc_seal_bytes;
    explicit message_page(std::span<Byte, PageSize> bytes) noexcept : bytes_{bytes} {}

    static void format(std::span<std::byte, PageSize> bytes, quire::page_no) noexcept {
        quire::store_le<std::uint32_t>(bytes.data() + first_field_at, magic);
        quire::store_le<std::uint16_t>(bytes.data() + used_at, begin);
    }
    static bool accepts(std::span<std::byte const, PageSize> bytes) noexcept {
        return quire::load_le<std::uint32_t>(bytes.data() + first_field_at) == magic;
    }

    [[nodiscard]] bool empty() const { return used() == begin; }
    /// The oldest message, in the page. A borrow: quire::byte_view keeps the account of it.
    [[nodiscard]] quire::byte_view<std::byte const> front() const& QUIRE_LIFETIMEBOUND QUIRE_LENDS {
        return quire::byte_view<std::byte const>{bytes_.subspan(begin + 2, length()), *this};
    }
    /// Whether there was room for it.
    bool push(std::string_view text)
        requires quire::writable_page<Byte>
    {
        auto const at = used();
        if (text.size() + 2 > PageSize - at) { return false; }
        quire::store_le(bytes_.data() + at, static_cast<std::uint16_t>(text.size()));
        std::memcpy(bytes_.data() + at + 2, text.data(), text.size());
        quire::store_le(bytes_.data() + used_at, static_cast<std::uint16_t>(at + 2 + text.size()));
        return true;
    }
    /// Drops the oldest message. The others move, so nothing of the page may be lent.
    void pop()
        requires quire::writable_page<Byte>
    QUIRE_CHANGES {
        expect_unlent();
        auto const next = begin + 2 + length();
        auto const left = used() - next;
        std::memmove(bytes_.data() + begin, bytes_.data() + next, left);
        quire::store_le(bytes_.data() + used_at, static_cast<std::uint16_t>(begin + left));
    }

private:
    /// Any bytes at all may be in a page: what is read is checked before it is used.
    [[nodiscard]] std::size_t used() const {
        std::size_t const used = quire::load_le<std::uint16_t>(bytes_.data() + used_at);
        if (used < begin || used > PageSize) {
            throw quire::error{quire::errc::corrupt_page, "use"};
        }
        return used;
    }
    [[nodiscard]] std::size_t length() const {
        auto const room = used() - begin;
        std::size_t const length =
            room < 2 ? room : quire::load_le<std::uint16_t>(bytes_.data() + begin);
        if (room < 2 || length > room - 2) { throw quire::error{quire::errc::corrupt_page, "use"}; }
        return length;
    }

    std::span<Byte, PageSize> bytes_;
};
static_assert(quire::page_kind<message_page, 4096>);
//! [view]

std::string_view text_of(quire::byte_view<std::byte const> const& message) {
    return {reinterpret_cast<char const*>(message.span().data()), message.size()};
}

int main() try {
    quire::buffer_pool<> pool{{.frames = 16}};
    auto file = pool.open("messages.db", quire::open_mode::create_or_replace,
                          {.io = quire::io_mode::direct_or_buffered});
    {
        auto page = file.append<message_page>();
        for (auto text : {"first", "second", "third"}) { page->push(text); }
    }
    file.flush();

    auto page = file.write<message_page>(0);
    while (!page->empty()) {
        {
            auto message = page->front();
            std::cout << text_of(message) << '\n';
            // page->pop();  clang 22: cannot call function 'pop' while loan 'page->lent' is held
        }
        page->pop();
    }
    page.release();
    file.close();
} catch (quire::error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
