// SPDX-License-Identifier: BSL-1.0

/// own_lending_page: your own page kind that lends parts of its page. It is derived from
/// quire::page_view, so the compiler and a checked build follow what it lends as they follow
/// quire's rows: clang 22 and -DQUIRE_CHECKED=1 both refuse a pop() while a message is lent.

#include <quire/quire.hpp>

#include <iostream>

//! [view]
/// A queue of messages. Byte map: 0 the seal, 12 "MSGS", 16 where the free space begins, 18
/// messages, each with its length in two bytes.
template <class Byte, std::size_t PageSize>
class message_page : public quire::page_view<message_page, Byte, PageSize> {
    static constexpr quire::field_le<std::uint32_t> tag{quire::crc_seal_bytes};
    static constexpr quire::field_le<std::uint16_t> free{16};
    static constexpr quire::field_le<std::uint16_t> length{18};  // of the oldest message
    static constexpr std::uint32_t msgs = 0x5347'534D;
    static_assert(PageSize <= 32'768, "places in the page have two bytes");

public:
    using message_page::page_view::page_view;
    static constexpr std::size_t first_field_at = tag.offset;  // the compiler compares: not sealed

    static void format(std::span<std::byte, PageSize> bytes, quire::page_no) noexcept {
        tag.store(bytes, msgs);
        free.store(bytes, length.offset);
    }
    static bool accepts(std::span<std::byte const, PageSize> bytes) noexcept {
        return tag.load(bytes) == msgs;
    }

    [[nodiscard]] bool empty() const { return end() == length.offset; }

    //! [lends]
    /// The oldest message, in the page.
    [[nodiscard]] quire::byte_view<std::byte const> front() const& QUIRE_LIFETIMEBOUND QUIRE_LENDS {
        return this->lend(length.end(), next() - length.end());
    }
    QUIRE_REFUSED_ON_TEMPORARY_PAGE(front);
    //! [lends]

    /// Whether there was room for it. Nothing moves, so messages may be lent.
    bool push(std::string_view text)
        requires quire::writable_page<Byte>
    {
        quire::field_le<std::uint16_t> const at{end()};
        if (text.size() + 2 > PageSize - at.offset) { return false; }
        this->write(at.end(), text);
        this->store(at, static_cast<std::uint16_t>(text.size()));
        this->store(free, static_cast<std::uint16_t>(at.end() + text.size()));
        return true;
    }
    //! [changes]
    /// Drops the oldest message. The others move, so nothing of the page may be lent.
    void pop()
        requires quire::writable_page<Byte>
    QUIRE_CHANGES {
        auto const left = end() - next();
        this->move(length.offset, next(), left);
        this->store(free, static_cast<std::uint16_t>(length.offset + left));
    }
    QUIRE_REFUSED_ON_SHARED(pop);
    //! [changes]
    QUIRE_REFUSED_ON_SHARED(push);

private:
    /// Any bytes at all may be in a page: what is read is checked before it is used.
    [[nodiscard]] std::size_t end() const {
        std::size_t const end = this->load(free);
        if (end < length.offset || end > PageSize) { this->corrupt("where the free space begins"); }
        return end;
    }
    /// Where the message behind the oldest one begins.
    [[nodiscard]] std::size_t next() const {
        std::size_t const next = length.end() + this->load(length);
        if (next > end()) { this->corrupt("length of a message"); }
        return next;
    }
};
static_assert(quire::page_kind<message_page, 4096>);
//! [view]

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
            std::cout << message.text() << '\n';
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
