// SPDX-License-Identifier: BSL-1.0
#pragma once

/// exercise_layout: all that can be asked of, and done to, what page views are made of: raw bytes,
/// the page header, line pointers, the slotted layout and its redirects.
///
/// Every function takes any bytes. What is expected of the caller is kept to; nothing else is. An
/// operation that throws, or says no, has changed nothing; one that succeeds on a page that
/// validates leaves a page that validates, and every other slot as it was.

#include <quire/borrow/byte_view.hpp>
#include <quire/borrow/racy_byte.hpp>
#include <quire/page/redirects.hpp>

#include "page/choices.hpp"

#include <algorithm>  // std::max, std::ranges::all_of
#include <array>      // std::array
#include <cstring>    // std::memcmp
#include <vector>      // std::vector

namespace quire_test {

template <class Fn>
[[nodiscard]] bool is_valid(Fn&& validate) {
    try {
        validate();
        return true;
    } catch (quire::error const&) { return false; }
}

// ---- raw bytes -----------------------------------------------------------------------------

/// Bytes by all ways, at offsets inside; behind the end only in racy bytes, where that is an error.
void read_view(auto const& view, std::span<std::byte const> bytes, choices& choose, outcome& out) {
    require(view.size() == bytes.size() && view.empty() == bytes.empty(), "size of a byte_view");
    std::uint64_t sum = view.size();
    for (auto b : view) { sum = sum * 0x100'0000'01B3U + std::to_integer<unsigned>(b); }
    require(sum == digest(bytes), "a walk over a byte_view meets its bytes");
    if (bytes.size() < 8) { return; }
    std::size_t const at = choose.below(bytes.size() - 7);
    require(view[at] == bytes[at], "a byte of a byte_view");
    require(view.template load<std::uint64_t>(at) == quire::load_le<std::uint64_t>(&bytes[at]),
            "a number of a byte_view");
    out.ask([&] { return view.template load<std::int16_t>(at); });
    out.ask([&] { return view.template load<float>(at) > 0; });
    std::vector<std::byte> copy(choose.below(bytes.size() - at + 1));
    view.copy_to(copy, at);
    require(copy.empty() || std::memcmp(copy.data(), &bytes[at], copy.size()) == 0,
            "a copy of a part of a byte_view");
}

template <std::size_t N>
void exercise_raw_page(std::span<std::byte, N> bytes, choices& choose, outcome& out) {
    {
        quire::raw_page<std::byte const, N> page{bytes};
        require(page.accepts(bytes), "every page is a raw page");
        auto const view = page.bytes();
        read_view(view, bytes, choose, out);
        require(view.unguarded_span().data() == bytes.data(), "the span of a byte_view");
    }
    {
        auto const racy_bytes = quire::as_racy(std::span<std::byte const, N>{bytes});
        quire::raw_page<quire::racy_byte const, N> page{racy_bytes};
        auto const view = page.bytes();
        read_view(view, bytes, choose, out);
        std::size_t const near = choose.below(16);
        std::size_t const far = choose.chance(1, 2) ? N - near : ~near;
        require(out.ask([&] { return view.template load<std::uint64_t>(far); }) == (far <= N - 8),
                "a racy number outside is an error");
        require(out.ask([&] { return std::to_integer<int>(view[far]); }) == (far < N),
                "a racy byte outside is an error");
        std::vector<std::byte> copy(choose.below(16));
        require(out.ask([&] { return view.copy_to(copy, far), 0; }) ==
                    (far <= N && copy.size() <= N - far),
                "a copy of racy bytes outside is an error");
    }
    quire::raw_page<std::byte, N> page{bytes};
    quire::raw_page<std::byte const, N> const shared{page};
    std::size_t const at = choose.below(N - 7);
    std::uint64_t const value = choose.bits();
    {
        auto const view = page.bytes();
        view.store(at, value);
        require(view.template load<std::uint64_t>(at) == value, "a stored number is read again");
    }
    read_view(shared.bytes(), bytes, choose, out);
    if (choose.chance(1, 16)) {
        page.format(bytes, 1);
        require(digest(bytes) == digest(std::vector<std::byte>(N)), "a new raw page is zeros");
    }
}

// ---- page header ---------------------------------------------------------------------------

template <std::size_t N>
void exercise_header(std::span<std::byte, N> page, outcome& out) {
    using quire::page_header;
    auto const bytes = page.template first<page_header::size>();
    std::array<std::byte, page_header::size> before;
    std::memcpy(before.data(), bytes.data(), before.size());
    auto const header = page_header::load(bytes);
    header.store(bytes);
    require(std::memcmp(before.data(), bytes.data(), before.size()) == 0,
            "a header that is loaded and stored is the same bytes");
    page_header other = header;
    other.lsn = ~header.lsn;
    other.number = ~header.number;
    other.store(bytes);
    require(page_header::load(bytes) == other && !(other == header), "a header is stored");
    require(std::memcmp(before.data(), bytes.data(), 4) == 0, "the checksum is the seal's");
    header.store(bytes);
    bool const fits = quire::page_no::fits(header.number);
    require(quire::detail::own_id(bytes) ==
                (fits ? quire::page_id{quire::file_no::unknown, header.number}
                      : quire::page_id::none()),
            "a page's own number, if it is one");
    require(!out.ask([&]() -> int {
        quire::detail::throw_page_error(quire::errc::corrupt_page, "a word", bytes);
    }), "an error is thrown");
    auto const error = quire::detail::page_error(quire::errc::row_mismatch, "b", bytes);
    out.sum += std::string_view{error.what()}.size();
}

// ---- line pointers -------------------------------------------------------------------------

inline void exercise_line_pointer(std::uint32_t bits, outcome& out) {
    using quire::line_pointer;
    using quire::slot_state;
    auto const pointer = line_pointer::from_bits(bits);
    require(pointer.bits() == bits, "a line pointer keeps its bits");
    require(pointer.offset() <= line_pointer::field_max &&
                pointer.length() <= line_pointer::field_max &&
                pointer.target() <= line_pointer::field_max,
            "the fields of a line pointer have 15 bits");
    require(pointer.is_live() == (pointer.state() == slot_state::live), "live is a state");
    auto const as_live = line_pointer::live(pointer.offset(), pointer.length());
    require(as_live.length() == pointer.length() && as_live.is_live() &&
                as_live.offset() == (pointer.length() == 0 ? 0 : pointer.offset()),
            "a live pointer is made of its fields");
    auto const as_redirect = line_pointer::redirect(pointer.target());
    require(as_redirect.target() == pointer.target() && as_redirect.length() == 0 &&
                as_redirect.state() == slot_state::redirect,
            "a redirect is made of its target");
    bool const plain = pointer == line_pointer::free() || pointer == line_pointer::dead();
    require(plain == (bits == 0 || bits == 2), "free and dead pointers are their state alone");
    quire::slot_id const slot{bits & 0xFFFFU};
    require(slot == quire::slot_id{static_cast<std::uint16_t>(bits)}, "a slot is its number");
    out.sum += slot.value() + as_live.bits();
    ++out.answers;
}

// ---- the slotted layout --------------------------------------------------------------------

template <std::size_t N, std::size_t HeaderSize = 32>
class slotted_exercise {
    using layout = quire::slotted<std::byte, N, HeaderSize>;
    using shared = quire::slotted<std::byte const, N, HeaderSize>;
    using line_pointer = quire::line_pointer;
    using slot_state = quire::slot_state;

public:
    slotted_exercise(std::span<std::byte, N> bytes, choices& choose, outcome& out)
        : bytes_{bytes}, choose_{choose}, out_{out} {}

    /// Asks for everything that is about the page, and for `slots` of the slots.
    void read(std::size_t slots) {
        shared const page{layout{bytes_}};
        std::size_t used = 0;
        page.for_each_used([&](std::span<std::byte const> part) { used += part.size(); });
        require(used == 0 || !page.body().empty(), "a page without a body has nothing in it");
        std::size_t const lower = layout::lower(quire::load_le<std::uint16_t>(&bytes_[24]));
        std::size_t const upper = quire::load_le<std::uint16_t>(&bytes_[26]);
        require(page.body().empty() == (lower > upper || upper > N),
                "a page that contradicts itself has no body");
        out_.sum += used + page.body().size() + page.header_bytes().size();
        out_.ask([&] { return page.validate(), 0; });
        out_.ask([&] { return page.lowest_free(page.load_bounds()); });
        out_.ask([&] { return total(page.count(page.load_bounds())); });
        out_.ask([&] { return walk(page); });
        for (std::size_t i = 0; i < slots; ++i) { read_slot(page, some_slot()); }
    }

    /// One operation, and what must hold after it.
    void change() {
        layout const page{bytes_};
        if (choose_.chance(1, 64)) { return clear(page); }
        std::vector<std::byte> const before{bytes_.begin(), bytes_.end()};
        subject_ = layout::no_slot;
        bool const was_valid = validates(page);
        done_ = false;
        bool const answered = out_.ask([&] { return operate(page, before), 0; });
        if (!done_) {
            require(std::memcmp(bytes_.data(), before.data(), N) == 0,
                    "an operation that fails changes nothing");
        } else if (was_valid) {
            require(answered, "what was done to a valid page can be looked at");
            require(validates(page), "a valid page stays valid");
            shared const old{std::span<std::byte const, N>{before.data(), N}};
            require(digest_others(old) == digest_others(page),
                    "an operation leaves the other slots as they were");
        }
    }

private:
    [[nodiscard]] std::size_t some_slot() {
        return choose_.chance(7, 8) ? choose_.below(12) : choose_.below(65536);
    }
    [[nodiscard]] static std::size_t total(typename shared::tally const& sum) {
        return sum.bytes + sum.slots + sum.free_slots;
    }
    [[nodiscard]] static std::uint64_t walk(shared const& page) {
        std::uint64_t sum = 0;
        for (auto i = page.next_live(0); i != page.no_slot; i = page.next_live(i + 1)) {
            sum += digest(page.live_tuple(quire::slot_id{i}));
        }
        return sum;
    }

    void read_slot(shared const& page, std::size_t number) {
        quire::slot_id const slot{number};
        auto const plain = page.plain_pointer(number);
        if (plain.is_live()) { out_.sum += digest(page.tuple(plain)); }
        out_.ask([&] { return digest(page.live_tuple(slot)); });
        out_.ask([&] { return page.next_live(number); });
        out_.ask([&] { return total(page.count(page.load_bounds(), number)); });
        out_.ask([&] {
            auto const b = page.load_bounds();
            if (number >= b.slots) { return 0; }
            auto const pointer = page.load_pointer(number, b);
            require(plain.is_live() == (pointer.is_live() && pointer.length() > 0),
                    "the short way to a tuple knows what the long one does");
            require(!pointer.is_live() || digest(page.tuple(pointer)) ==
                                              digest(page.live_tuple(slot)),
                    "a tuple is the same by its pointer and by its slot");
            bool const held = pointer.is_live() || pointer.state() == slot_state::redirect;
            require(page.holds(slot, b) == held &&
                        page.is_taken(slot, b) == (pointer.state() != slot_state::free),
                    "a slot is what its pointer says");
            return 1;
        });
        quire::redirects<shared> const chains{page};
        out_.ask([&] {
            auto const b = page.load_bounds();
            auto const named = chains.is_named(number, b);
            require(chains.vacant(number, b) ==
                        (named ? line_pointer::dead() : line_pointer::free()),
                    "a slot that is named becomes dead");
            return named;
        });
        out_.ask([&] { return page.validate(), chains.validate(), 0; });
        out_.ask([&] {
            auto const b = page.load_bounds();
            if (number >= b.slots) { return std::size_t{0}; }
            auto const end = chains.follow(number, b);
            require(end.pointer.state() != slot_state::redirect && end.slot < b.slots,
                    "a chain ends at a slot that is no redirect");
            return end.slot;
        });
        std::size_t const from = some_slot();
        out_.ask([&] {
            auto const b = page.load_bounds();
            if (number >= b.slots || from >= b.slots) { return false; }
            static_cast<void>(chains.follow(number, b));
            return chains.allows(from, number, b);
        });
    }

    /// What all slots but the subject hold.
    template <class Page>
    [[nodiscard]] std::uint64_t digest_others(Page const& page) const {
        auto const b = page.load_bounds();
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < b.slots; ++i) {
            auto const pointer = page.load_pointer(i, b);
            if (i == subject_ || pointer.state() == slot_state::free) { continue; }
            sum += (i + 1) * (pointer.is_live() ? digest(page.tuple(pointer)) + 7 : pointer.bits());
        }
        return sum;
    }

    [[nodiscard]] std::size_t some_length(layout const& page) {
        switch (choose_.below(6)) {
            case 0: return choose_.below(layout::tuple_size_max + 1);
            case 4: {
                // About as long as what is there.
                auto const b = page.load_bounds();
                std::size_t const longer = choose_.below(3);
                return (subject_ < b.slots ? page.load_pointer(subject_, b).length() : 0) + longer;
            }
            case 1: return page.load_bounds().gap();
            case 2: {
                std::size_t const gap = page.load_bounds().gap();
                return gap < line_pointer::size ? 0 : gap - line_pointer::size;
            }
            case 3: return layout::tuple_size_max;
            default: return choose_.below(48);
        }
    }

    [[nodiscard]] static bool validates(layout const& page) {
        return is_valid([&] {
            page.validate();
            quire::redirects<layout>{page}.validate();
        });
    }
    void clear(layout const& page) {
        page.clear();
        page.validate();
        require(page.load_bounds().slots == 0 && page.load_bounds().upper == N,
                "a cleared page has no slots");
        page.put_bounds(page.load_bounds());
    }
    void operate(layout const& page, std::vector<std::byte> const& before) {
        switch (choose_.below(6)) {
            case 0: page.compact(); done_ = true; break;
            case 1:
            case 2: set(page); break;
            case 3: fail_to_place(page, before); break;
            default: place(page); break;
        }
    }
    void set(layout const& page) {
        auto const b = page.load_bounds();
        subject_ = choose_.chance(1, 4) ? choose_.below(layout::slots_max) : choose_.below(12);
        if (layout::lower(subject_ + 1) > b.upper) { return; }
        quire::redirects<layout> const chains{page};
        auto pointer = choose_.chance(1, 2) ? chains.vacant(subject_, b) : line_pointer::dead();
        std::size_t const to = choose_.below(12);
        if (choose_.chance(1, 3) && subject_ < b.slots && to < b.slots &&
            chains.follow(to, b).pointer.is_live() && chains.allows(subject_, to, b)) {
            pointer = line_pointer::redirect(to);
        }
        page.set_slot(subject_, pointer, b);
        done_ = true;
        auto const after = page.load_bounds();
        require(after.slots == std::max(b.slots, subject_ + 1) && after.upper == b.upper,
                "a slot that is set exists");
    }
    /// An existing slot that is live or free, or the next new one.
    [[nodiscard]] bool finds_place(layout const& page) {
        auto const b = page.load_bounds();
        subject_ = choose_.chance(1, 2) ? page.lowest_free(b) : choose_.below(b.slots + 1);
        if (subject_ >= b.slots) { return true; }
        auto const state = page.load_pointer(subject_, b).state();
        return state == slot_state::live || state == slot_state::free;
    }
    void place(layout const& page) {
        if (!finds_place(page)) { return; }
        std::size_t const length = some_length(page);
        auto const fill = static_cast<std::byte>(choose_.below(256));
        done_ = page.place(subject_, length, [&](std::span<std::byte> out) {
            require(out.size() == length, "a writer gets the room it asked for");
            std::memset(out.data(), std::to_integer<int>(fill), length);
        });
        if (!done_) { return; }
        auto const b = page.load_bounds();
        require(subject_ < b.slots, "a placed tuple has a slot");
        auto const tuple = page.tuple(page.load_pointer(subject_, b));
        require(tuple.size() == length &&
                    std::ranges::all_of(tuple, [&](std::byte x) { return x == fill; }),
                "a placed tuple is what was written");
    }
    /// A writer that throws: at most the free gap has changed, and that is put back here.
    void fail_to_place(layout const& page, std::vector<std::byte> const& before) {
        if (!finds_place(page)) { return; }
        std::size_t const length = some_length(page);
        auto const b = page.load_bounds();
        bool thrown = false;
        try {
            require(!page.place(subject_, length, [&](std::span<std::byte> out) -> void {
                std::memset(out.data(), 0xEE, out.size());
                thrown = true;
                throw quire::error{quire::errc::row_mismatch, "a writer"};
            }), "a writer that throws is heard");
        } catch (quire::error const&) {
            std::size_t const lower = layout::lower(b.slots);
            if (thrown) {
                std::memcpy(bytes_.data() + lower, before.data() + lower, b.upper - lower);
            }
            throw;
        }
    }

    std::span<std::byte, N> bytes_;
    choices& choose_;
    outcome& out_;
    bool done_ = false;
    std::size_t subject_ = layout::no_slot;
};

}  // namespace quire_test
