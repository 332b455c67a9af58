// SPDX-License-Identifier: BSL-1.0
#include <quire/page/heap_page.hpp>
#include <quire/row/codec.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"
#include "random.hpp"

// Any bytes are a legal page. Here pages are random bytes, random bytes with believable headers,
// and good pages with some bits flipped; everything is asked of them, and all that may happen is
// an answer or a quire::error with the page unchanged. The rest is the sanitizers' to say.

using quire::heap_page;
using quire::slot_id;

namespace {

struct record {
    std::int32_t number;
    std::string text;
    std::optional<std::string> more;
};
BOOST_DESCRIBE_STRUCT(record, (), (number, text, more))

struct outcome {
    std::size_t answers = 0;
    std::size_t errors = 0;
    std::uint64_t sum = 0;  // of all bytes seen, so that they are really read

    template <class Fn>
    void ask(Fn&& fn) {
        try {
            sum += static_cast<std::uint64_t>(fn());
            ++answers;
        } catch (quire::error const&) { ++errors; }
    }
};

template <class View>
std::uint64_t read_all(View const& tuple) {
    std::uint64_t sum = 0;
    for (auto byte : tuple) { sum += std::to_integer<unsigned>(byte); }
    return sum;
}

std::uint64_t read_row(auto const& row) {
    std::uint64_t sum = static_cast<std::uint64_t>(row.template get<&record::number>());
    for (char c : row.template get<&record::text>()) { sum += static_cast<unsigned char>(c); }
    auto const more = row.template get<&record::more>();
    for (char c : more.value_or("")) { sum += static_cast<unsigned char>(c); }
    return sum + row.load().text.size();
}

template <std::size_t N>
void read_page(std::span<std::byte const, N> bytes, generator& random, outcome& out) {
    heap_page page{bytes};
    out.ask([&] { return page.accepts(bytes); });
    out.ask([&] { return page.number().value(); });
    out.ask([&] { return page.lsn(); });
    out.ask([&] { return page.slot_count(); });
    out.ask([&] { return page.size(); });
    out.ask([&] { return page.free_space(); });
    out.ask([&] { return page.validate(), 0; });
    for (int i = 0; i < 12; ++i) {
        slot_id const slot{i < 10 ? static_cast<std::uint64_t>(i) : random.below(65536)};
        out.ask([&] { return page.contains(slot); });
        out.ask([&] {
            auto const tuple = page.tuple(slot);
            return read_all(tuple);
        });
        out.ask([&] {
            auto const row = page.template row<record>(slot);
            return read_row(row);
        });
    }
    out.ask([&] {
        std::uint64_t sum = 0;
        for (auto slot : page.slots()) { sum += slot.value(); }
        return sum;
    });
    out.ask([&] {
        std::uint64_t sum = 0;
        for (auto row : page.template rows<record>()) { sum += read_row(row); }
        return sum;
    });
}

template <std::size_t N>
void write_page(page_buffer<N> const& original, generator& random, outcome& out) {
    std::vector<std::byte> const tuple(random.below(N / 2));
    slot_id const a{random.below(12)};
    slot_id const b{random.below(12)};
    record const value{1, std::string(random.below(N / 4), 'v'), std::nullopt};
    auto const attempt = [&](auto&& fn) {
        page_buffer<N> buffer = original;
        heap_page page{buffer.span()};
        std::size_t const errors = out.errors;
        out.ask([&] { return fn(page); });
        if (out.errors != errors && buffer.bytes() != original.bytes()) {
            FAIL("an operation that threw has changed the page");
        }
        read_page<N>(buffer.span(), random, out);
    };
    attempt([&](auto& page) { return page.insert(tuple).has_value(); });
    attempt([&](auto& page) { return page.insert(value).has_value(); });
    attempt([&](auto& page) { return page.update(a, tuple); });
    attempt([&](auto& page) { return page.update(a, value); });
    attempt([&](auto& page) {
        return page.template edit<record>(a, [](record& r) { r.text += "longer"; });
    });
    attempt([&](auto& page) { return page.erase(a); });
    attempt([&](auto& page) { return page.kill(a); });
    attempt([&](auto& page) { return page.reclaim(a); });
    attempt([&](auto& page) { return page.move(a, b); });
    attempt([&](auto& page) { return page.move(a, slot_id{random.below(65536)}); });
    attempt([&](auto& page) { return page.redirect(a, b); });
    attempt([&](auto& page) { return page.compact(), 0; });
    attempt([&](auto& page) { return page.set_lsn(random.bits()), 0; });
    attempt([&](auto& page) {
        auto row = page.template row<record>(a);
        row.template set<&record::number>(7);
        return row.template get<&record::number>();
    });
}

template <std::size_t N>
page_buffer<N> good_page(generator& random) {
    auto buffer = make_heap_page<N>();
    heap_page page{buffer.span()};
    for (int i = 0; i < 10; ++i) {
        record value{i, random.text(random.below(N / 20)), std::nullopt};
        if (random.chance(1, 2)) { value.more = random.text(random.below(N / 40)); }
        page.insert(value).value();
    }
    page.erase(slot_id{random.below(10)});
    page.kill(slot_id{random.below(10)});
    slot_id const to{random.below(10)};
    if (page.contains(to)) { (void)page.redirect(slot_id{random.below(10)}, to); }
    page.validate();
    return buffer;
}

template <std::size_t N>
page_buffer<N> hostile_page(generator& random) {
    std::uint64_t const how = random.below(3);
    if (how == 0) {
        page_buffer<N> buffer;
        random.fill(buffer.span());
        return buffer;
    }
    auto buffer = good_page<N>(random);
    if (how == 1) {
        // Believable numbers in the header, anything as line pointers: mostly live ones.
        std::byte* const at = buffer.bytes().data();
        std::size_t const slots = random.below(12);
        quire::store_le(at + 24, static_cast<std::uint16_t>(slots));
        quire::store_le(at + 26, static_cast<std::uint16_t>(random.between(32 + 4 * slots, N)));
        quire::store_le(at + 28, static_cast<std::uint16_t>(random.below(slots + 1)));
        for (std::size_t i = 0; i < slots; ++i) {
            std::size_t const offset = random.between(N / 4, N - 1);
            std::size_t const length = random.below(N / 4);
            auto const small = static_cast<std::uint32_t>(random.below(64));
            auto const pointer = random.chance(1, 4) ? quire::line_pointer::from_bits(small)
                                                     : quire::line_pointer::live(offset, length);
            quire::store_le(at + 32 + 4 * i, pointer.bits());
        }
    } else {
        std::uint64_t const flips = random.between(1, 4);
        for (std::uint64_t i = 0; i < flips; ++i) {
            // Where it hurts: header and line pointers twice as often as the rest.
            std::size_t const byte = random.below(random.chance(2, 3) ? 72 : N);
            buffer.bytes()[byte] ^= static_cast<std::byte>(1U << random.below(8));
        }
    }
    return buffer;
}

template <std::size_t N>
void torment(int pages) {
    test_random random;
    outcome out;
    for (int i = 0; i < pages; ++i) {
        auto const buffer = hostile_page<N>(random);
        read_page<N>(buffer.span(), random, out);
        write_page<N>(buffer, random, out);
    }
    CHECK(out.answers > 1000);
    CHECK(out.errors > 1000);
}

}  // namespace

TEST_CASE("heap_page: any bytes give answers or errors on small pages") { torment<512>(600); }
TEST_CASE("heap_page: any bytes give answers or errors on usual pages") { torment<4096>(150); }
TEST_CASE("heap_page: any bytes give answers or errors on the largest pages") {
    torment<32768>(20);
}
