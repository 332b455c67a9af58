// SPDX-License-Identifier: BSL-1.0
#include <quire/table/btree_page.hpp>

#include <quire/table/detail/node_split.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"
#include "random.hpp"

#include <map>
#include <string>

using quire_test::page_buffer;

namespace {

template <std::size_t N>
using node_of = quire::btree_page<std::byte, N>;
using node = node_of<512>;
using const_node = quire::btree_page<std::byte const, 512>;
using racy_node = quire::btree_page<quire::racy_byte const, 512>;

static_assert(quire::page_kind<quire::btree_page, 512>);
static_assert(std::convertible_to<node, const_node> && !std::convertible_to<const_node, node>);
static_assert(node::key_size_max == 56 && node::entry_size_max == 106);
static_assert(node_of<4096>::key_size_max == 504 && node_of<4096>::entry_size_max == 1002);
static_assert(node::block_entry_max == 32 && node_of<1024>::block_entry_max == 64 &&
              node_of<2048>::block_entry_max == 128 && node_of<4096>::block_entry_max == 160 &&
              node_of<32768>::block_entry_max == 160);

template <class N>
bool put(N const& page, std::string const& key, std::string const& value) {
    auto const where = page.find(bytes_of(key));
    auto const write = [&](std::span<std::byte> out) {
        std::ranges::copy(bytes_of(value), out.begin());
    };
    if (where.found) { return page.replace(where.position, value.size(), write); }
    return page.insert(where.position, bytes_of(key), value.size(), write);
}
template <class N>
std::string key_at(N const& page, std::size_t position) {
    std::array<std::byte, N::key_size_max> key;
    auto const size = page.copy_key(position, key);
    return text_of(std::span{key}.first(size));
}
using contents = std::map<std::string, std::string>;
template <class N>
contents all(N const& page) {
    contents found;
    for (std::size_t i = 0; i < page.count(); ++i) {
        found[key_at(page, i)] = text_of(page.value(i));
    }
    return found;
}
/// A node between fences; without a high one when that is "".
template <std::size_t N>
node_of<N> make(page_buffer<N>& buffer, std::size_t level = 0, std::string const& low = "",
                std::string const& high = "") {
    node_of<N>::format(buffer.span(), 7);
    node_of<N> const page{buffer.span()};
    page.reset(5, level, bytes_of(low), bytes_of(high), !high.empty());
    return page;
}

}  // namespace

TEST_CASE("btree_page: the bytes of a leaf are those of the byte map") {
    page_buffer<512> buffer;
    node const page = make(buffer, 0, "user1", "user9");
    REQUIRE(put(page, "user5x", "vv"));
    REQUIRE(put(page, "user1abcd", ""));
    page.validate();
    auto const u8 = [&](std::size_t at) { return std::to_integer<int>(buffer.bytes()[at]); };
    auto const u16 = [&](std::size_t at) {
        return quire::load_le<std::uint16_t>(&buffer.bytes()[at]);
    };
    auto const u32 = [&](std::size_t at) {
        return quire::load_le<std::uint32_t>(&buffer.bytes()[at]);
    };
    CHECK(u16(12) == 2);  // kind
    CHECK(u8(14) == 2);   // version
    CHECK(u16(24) == 4);  // slots: fences and entries
    CHECK(u32(32) == 5);  // tree
    CHECK(u8(36) == 0);   // level
    CHECK(u8(37) == 0);   // layout
    CHECK(u16(38) == 4);  // "user"
    CHECK(u32(44) == 0x75736572);  // heads of the fences
    CHECK(u32(52) == 0x75736572);
    CHECK(text_of(buffer.span().last(10)) == "user9user1");
    // Slot 2: "user1abcd" without its prefix, and the head of that.
    CHECK(u32(56) == quire::line_pointer::live(512 - 10 - 6 - 7, 7).bits());
    CHECK(u32(60) == 0x31616263);  // "1abc"
    CHECK(u16(489) == 5);
    CHECK(text_of(buffer.span().subspan(491, 5)) == "1abcd");
    // Slot 3: "5x", padded with zeros.
    CHECK(u32(68) == 0x35780000);
    CHECK(u16(496) == 2);
    CHECK(text_of(buffer.span().subspan(498, 4)) == "5xvv");
}

TEST_CASE("btree_page: the bytes of a leaf with a block are those of the byte map") {
    page_buffer<512> buffer;
    node::format(buffer.span(), 7);
    node const page{buffer.span()};
    page.reset(5, 0, bytes_of("ka"), bytes_of("kx"), true, {.key = 4, .value = 2});
    REQUIRE(put(page, "kmmm", "MM"));
    REQUIRE(put(page, "kccc", "CC"));
    REQUIRE(put(page, "kppp", "PP"));
    page.validate();
    auto const u8 = [&](std::size_t at) { return std::to_integer<int>(buffer.bytes()[at]); };
    auto const u16 = [&](std::size_t at) {
        return quire::load_le<std::uint16_t>(&buffer.bytes()[at]);
    };
    auto const u32 = [&](std::size_t at) {
        return quire::load_le<std::uint32_t>(&buffer.bytes()[at]);
    };
    CHECK(u8(14) == 2);   // version
    CHECK(u16(24) == 3);  // slots: fences and block
    CHECK(u8(37) == 1);   // layout
    CHECK(u16(38) == 1);  // "k"
    CHECK(u32(44) == 0x6B610000);
    CHECK(u32(52) == 0x6B780000);
    constexpr std::size_t size = (512 - 128 - 2 * 4) / 6 * 6;
    CHECK(u32(56) == quire::line_pointer::live(512 - size, size).bits());
    CHECK(u16(60) == 3);  // entries
    CHECK(u8(62) == 4);
    CHECK(u8(63) == 2);
    CHECK(u32(64) == 0);  // no hints: fewer than 17 entries
    CHECK(text_of(buffer.span().subspan(512 - size, 12)) == "kccckmmmkppp");
    CHECK(text_of(buffer.span().last(6)) == "PPMMCC");
    CHECK(text_of(buffer.span().subspan(512 - size - 4, 4)) == "kxka");
    // 17 entries have 16 hints: the heads of all but the first, behind the prefix.
    for (char c = 'd'; page.count() < 17; ++c) {
        REQUIRE(put(page, std::string("kd") + c + c, "DD"));
    }
    page.validate();
    CHECK(key_at(page, 1) == "kddd");
    CHECK(u32(64) == 0x64646400);
    CHECK(key_at(page, 16) == "kppp");
    CHECK(u32(64 + 15 * 4) == 0x70707000);
}

TEST_CASE("btree_page: an inner node has its children's numbers in six bytes") {
    page_buffer<512> buffer;
    node const page = make(buffer, 1, "b");
    REQUIRE(page.insert_child(0, bytes_of("b"), quire::page_no{0x0123'4567'89AB}));
    REQUIRE(page.insert_child(1, bytes_of("m"), quire::page_no{9}));
    page.validate();
    CHECK(page.child(0) == quire::page_no{0x0123'4567'89AB});
    CHECK(page.child(1) == quire::page_no{9});
    CHECK(page.child_for(bytes_of("b")) == 0);
    CHECK(page.child_for(bytes_of("lzz")) == 0);
    CHECK(page.child_for(bytes_of("m")) == 1);
    CHECK(page.child_before(bytes_of("m")) == 0);
    CHECK(page.child_before(bytes_of("m1")) == 1);
    CHECK(text_of(page.value(0)) == std::string("\xAB\x89\x67\x45\x23\x01", 6));
}

TEST_CASE("btree_page: fences say which keys belong here, from both sides") {
    page_buffer<512> buffer;
    node const page = make(buffer, 0, "b", "d");
    CHECK_FALSE(page.holds(bytes_of("azzz")));
    CHECK(page.holds(bytes_of("b")));
    CHECK(page.holds(bytes_of("czzz")));
    CHECK_FALSE(page.holds(bytes_of("d")));
    CHECK_FALSE(page.holds_before(bytes_of("b")));
    CHECK(page.holds_before(bytes_of("b1")));
    CHECK(page.holds_before(bytes_of("d")));
    CHECK_FALSE(page.holds_before(bytes_of("d1")));
    node const open = make(buffer);
    CHECK(open.holds(bytes_of("")));
    CHECK(open.holds(bytes_of("\xFF\xFF")));
    CHECK_FALSE(open.holds_before(bytes_of("")));
    // Fences and keys that differ behind their heads.
    node const alike = make(buffer, 0, "berlin", "berlitz");
    CHECK_FALSE(alike.holds(bytes_of("berlim")));
    CHECK(alike.holds(bytes_of("berlin")));
    CHECK(alike.holds(bytes_of("berlit")));
    CHECK_FALSE(alike.holds(bytes_of("berlitz")));
    CHECK_FALSE(alike.holds(bytes_of("berliu")));
}

TEST_CASE("btree_page: keys are in the order of their bytes, zeros and empty ones among them") {
    page_buffer<512> buffer;
    node const page = make(buffer);
    std::vector<std::string> const ascending{std::string(),
                                             std::string(1, '\0'),
                                             std::string(2, '\0'),
                                             std::string(4, '\0'),
                                             std::string(5, '\0'),
                                             "a",
                                             std::string("a\0", 2),
                                             "abcd",
                                             std::string("abcd\0", 5),
                                             "abcdefgh",
                                             "abcdefghi",
                                             "abcdefgz",
                                             "\x7F",
                                             "\x80",
                                             "\xFF\xFF"};
    for (std::size_t i = ascending.size(); i > 0; --i) {
        REQUIRE(put(page, ascending[i - 1], "v"));
    }
    page.validate();
    REQUIRE(page.count() == ascending.size());
    for (std::size_t i = 0; i < ascending.size(); ++i) {
        CHECK(key_at(page, i) == ascending[i]);
        auto const where = page.find(bytes_of(ascending[i]));
        CHECK(where.found);
        CHECK(where.position == i);
    }
    CHECK(page.find(bytes_of("abcdz")).position == 12);
    CHECK_FALSE(page.find(bytes_of("abcdz")).found);
}

TEMPLATE_TEST_CASE_SIG("btree_page: as a map, with splits and merges", "[page]",
                       ((std::size_t N), N), 512, 4096) {
    quire_test::test_random random;
    int full = 0;
    int merged = 0;
    int refused_merges = 0;
    for (int round = 0; round < (N == 512 ? 300 : 40); ++round) {
        std::string const stem(random.below(N / 16), 's');
        page_buffer<N> buffer;
        page_buffer<N> other;
        node_of<N> const page = make(buffer, 0, stem + "a", round % 3 == 0 ? "" : stem + "y");
        contents expected;
        auto const some_key = [&] {
            std::string key = stem;
            auto const length = 1 + random.below(round % 2 == 0 ? 3 : N / 32);
            for (std::size_t i = 0; i < length; ++i) {
                key += static_cast<char>('a' + static_cast<int>(random.below(i == 0 ? 24 : 26)));
            }
            return key;
        };
        std::string last;
        for (bool has_room = true; has_room;) {
            auto const key = some_key();
            auto const room_of_value = node_of<N>::entry_size_max - key.size();
            std::string const value(random.below(std::min(N / 8, room_of_value + 1)), 'v');
            if (random.below(4) == 0 && !expected.empty()) {
                auto const gone = std::next(expected.begin(),
                                            static_cast<long>(random.below(expected.size())));
                page.erase(page.find(bytes_of(gone->first)).position);
                expected.erase(gone);
            }
            has_room = put(page, key, value);
            if (has_room) { expected[key] = value; }
            last = key;
            REQUIRE(all(page) == expected);
            page.validate();
        }
        ++full;
        if (page.count() < 2) { continue; }
        quire::detail::node_split<N> const split{page, bytes_of(last)};
        node_of<N>::format(other.span(), 8);
        node_of<N> const right{other.span()};
        auto const highest = text_of(page.high());
        split.apply(page, right);
        page.validate();
        right.validate();
        REQUIRE(text_of(page.high()) == text_of(right.low()));
        REQUIRE(text_of(right.high()) == highest);
        REQUIRE(right.tree() == 5);
        auto both = all(page);
        REQUIRE(both.size() == split.position());
        both.merge(all(right));
        REQUIRE(both == expected);
        // Each half takes an entry of the largest size, with the largest key that it may have.
        auto const before = buffer.bytes();
        auto const room = node_of<N>::entry_size_max - stem.size() - 1;
        for (auto const& half : {page, right}) {
            auto const fence = half.has_high() ? text_of(half.high()) : std::string("\xFF");
            auto const key = text_of(half.low()) + '\0';
            if (key < fence && !half.find(bytes_of(key)).found) {
                REQUIRE((half.used() + half.size_of(key.size(), room - key.size()) <= N ||
                         half.count() > 1));
            }
        }
        buffer.bytes() = before;
        quire::detail::node_merge<N> together;
        bool const fits = together.make(page, right, N / 16);
        REQUIRE(buffer.bytes() == before);
        if (fits) {
            ++merged;
            page.take(together.image());
            page.validate();
            REQUIRE(all(page) == expected);
            REQUIRE(text_of(page.high()) == highest);
        } else {
            ++refused_merges;
        }
    }
    CHECK(full > 10);
    CHECK(merged > 5);
    CHECK(refused_merges > 5);
}

TEMPLATE_TEST_CASE_SIG("btree_page: blocks of entries as maps, with splits and merges", "[page]",
                       ((std::size_t N), N), 512, 1024, 2048, 4096, 32768) {
    quire_test::test_random random;
    using sizes = quire::detail::entry_sizes;
    constexpr auto most = node_of<N>::block_entry_max;
    int full = 0;
    int merged = 0;
    int refused_merges = 0;
    for (auto const of : {sizes{8, 8}, sizes{4, 0}, sizes{2, 1}, sizes{5, 3}, sizes{16, 8},
                          sizes{20, 12}, sizes{9, 0}, sizes{8, 120}, sizes{60, 4}, sizes{50, 78},
                          sizes{8, most - 8}, sizes{most - 1, 1}, sizes{most, 0}}) {
        if (of.sum() > most || (N > 4096 && of.sum() < 100)) { continue; }
        CHECK(node_of<N>::used_by(8, of) <= N);
        for (int round = 0; round < (N == 512 ? 40 : 5); ++round) {
            // Keys that differ early, or only behind 1 or 8 bytes that all have in common.
            auto const same = std::min<std::size_t>(of.key - 2, std::size_t{8} * random.below(2));
            std::string const stem(same, 's');
            page_buffer<N> buffer;
            page_buffer<N> other;
            node_of<N>::format(buffer.span(), 7);
            node_of<N> const page{buffer.span()};
            bool const has_high = round % 3 != 0;
            page.reset(5, 0, bytes_of(stem), bytes_of(stem + "\xF0"), has_high, of);
            contents expected;
            auto const some_text = [&](std::size_t size) {
                std::string text;
                for (std::size_t i = 0; i < size; ++i) {
                    text += static_cast<char>(random.below(i == 0 ? 0xF0 : 256));
                }
                return text;
            };
            std::string last;
            for (bool has_room = true; has_room;) {
                auto const key = stem + some_text(of.key - same);
                auto const value = some_text(of.value);
                if (random.below(4) == 0 && !expected.empty()) {
                    auto const gone = std::next(expected.begin(),
                                                static_cast<long>(random.below(expected.size())));
                    page.erase(page.find(bytes_of(gone->first)).position);
                    expected.erase(gone);
                }
                has_room = put(page, key, value);
                if (has_room) { expected[key] = value; }
                last = key;
                // Any key is found where it belongs, shorter and longer ones among them.
                auto wanted = stem + some_text(random.below(of.key - same + 3));
                if (!expected.empty() && random.below(2) == 0) {
                    wanted = expected.lower_bound(wanted) == expected.end()
                                 ? expected.begin()->first
                                 : expected.lower_bound(wanted)->first;
                    if (random.below(3) == 0) { wanted += '\0'; }
                    if (random.below(4) == 0) { wanted.resize(of.key - 1); }
                }
                auto const where = page.find(bytes_of(wanted));
                auto const there = expected.lower_bound(wanted);
                REQUIRE(where.position ==
                        static_cast<std::size_t>(std::distance(expected.begin(), there)));
                REQUIRE(where.found == expected.contains(wanted));
                if (N == 512 || random.below(20) == 0) { REQUIRE(all(page) == expected); }
                page.validate();
            }
            ++full;
            REQUIRE(all(page) == expected);
            REQUIRE(page.used() + of.sum() > N);
            quire::detail::node_split<N> const split{page, bytes_of(last)};
            node_of<N>::format(other.span(), 8);
            node_of<N> const right{other.span()};
            auto const highest = text_of(page.high());
            split.apply(page, right);
            page.validate();
            right.validate();
            REQUIRE(page.sizes() == of);
            REQUIRE(right.sizes() == of);
            REQUIRE(text_of(page.high()) == text_of(right.low()));
            REQUIRE(text_of(right.high()) == highest);
            auto both = all(page);
            both.merge(all(right));
            REQUIRE(both == expected);
            auto const before = buffer.bytes();
            while (random.below(20) != 0 && right.count() > 0) {
                expected.erase(key_at(right, right.count() - 1));
                right.erase(right.count() - 1);
            }
            quire::detail::node_merge<N> together;
            bool const fits = together.make(page, right, N / 16);
            REQUIRE(buffer.bytes() == before);
            if (fits) {
                ++merged;
                page.take(together.image());
                page.validate();
                REQUIRE(all(page) == expected);
                REQUIRE(text_of(page.high()) == highest);
            } else {
                ++refused_merges;
            }
        }
    }
    CHECK(full > 10);
    CHECK(merged > 5);
    CHECK(refused_merges > 5);
}

TEST_CASE("btree_page: a block takes keys and values of its sizes only") {
    page_buffer<512> buffer;
    node::format(buffer.span(), 7);
    node const page{buffer.span()};
    page.reset(5, 0, {}, {}, false, {.key = 4, .value = 2});
    REQUIRE(put(page, "abcd", "12"));
    auto const before = buffer.bytes();
    auto const refuses = [&](auto act) {
        try {
            act();
            FAIL("it was not refused");
        } catch (quire::error const& e) { CHECK(e.kind() == quire::errc::corrupt_page); }
        CHECK(buffer.bytes() == before);
    };
    refuses([&] { static_cast<void>(put(page, "abc", "12")); });
    refuses([&] { static_cast<void>(put(page, "abcde", "12")); });
    refuses([&] { static_cast<void>(put(page, "abce", "123")); });
    refuses([&] { static_cast<void>(put(page, "abcd", "1")); });
    {
        // Also when it is full: one who makes room counts with other sizes, and would try for ever.
        page_buffer<512> other;
        node::format(other.span(), 7);
        node const full{other.span()};
        full.reset(5, 0, {}, {}, false, {.key = 4, .value = 2});
        for (char c = 'a'; put(full, std::string("xx") + c + c, "12"); ++c) {}
        CHECK(full.used() + 6 > 512);
        CHECK_THROWS_AS(put(full, "yyyy", "123"), quire::error);
        CHECK_THROWS_AS(put(full, "yyyyy", "12"), quire::error);
        CHECK_FALSE(put(full, "yyyy", "12"));
    }
    struct no_value {};
    auto const fails = [](std::span<std::byte>) { throw no_value{}; };
    CHECK_THROWS_AS(page.insert(0, bytes_of("aaaa"), 2, fails), no_value);
    CHECK_THROWS_AS(page.replace(0, 2, fails), no_value);
    CHECK(buffer.bytes() == before);
}

TEST_CASE("btree_page: neighbours with entries of other sizes stay apart") {
    page_buffer<512> buffer;
    page_buffer<512> other;
    node::format(buffer.span(), 7);
    node::format(other.span(), 8);
    node const left{buffer.span()};
    node const right{other.span()};
    left.reset(5, 0, {}, bytes_of("m"), true, {.key = 4, .value = 4});
    right.reset(5, 0, bytes_of("m"), {}, false, {.key = 8, .value = 4});
    quire::detail::node_merge<512> both;
    CHECK_FALSE(both.make(left, right, 0));
    right.reset(5, 0, bytes_of("m"), {}, false);
    CHECK_FALSE(both.make(left, right, 0));
    right.reset(5, 0, bytes_of("m"), {}, false, {.key = 4, .value = 4});
    CHECK(both.make(left, right, 0));
}

TEST_CASE("btree_page: a fence is the shortest key that separates") {
    page_buffer<512> buffer;
    page_buffer<512> other;
    node const page = make(buffer);
    for (auto const* key : {"berlin", "berne", "bonn", "bordeaux"}) {
        REQUIRE(put(page, key, std::string(60, 'x')));
    }
    quire::detail::node_split<512> const split{page, bytes_of("a")};
    CHECK(split.position() == 2);
    CHECK(text_of(split.fence()) == "bo");
    node const right = make(other);
    split.apply(page, right);
    CHECK(page.count() == 2);
    CHECK(right.count() == 2);
    CHECK(text_of(page.high()) == "bo");
}

TEST_CASE("btree_page: what ascends past the last key leaves a full leaf full") {
    page_buffer<512> buffer;
    page_buffer<512> other;
    node const page = make(buffer);
    std::string key = "k00";
    while (put(page, key, std::string(20, 'x'))) { ++key[2]; }
    auto const count = page.count();
    quire::detail::node_split<512> const split{page, bytes_of(key)};
    CHECK(split.position() == count);
    CHECK(text_of(split.fence()) == key);
    node const right = make(other);
    split.apply(page, right);
    CHECK(page.count() == count);
    CHECK(right.count() == 0);
    REQUIRE(put(right, key, "x"));
}

TEST_CASE("btree_page: validate names what is wrong") {
    page_buffer<512> buffer;
    node const page = make(buffer, 0, "b", "d");
    REQUIRE(put(page, "b1", "x"));
    REQUIRE(put(page, "c1", "y"));
    auto const expect = [&](std::string const& what) {
        try {
            page.validate();
            FAIL("validate found nothing, expected: " << what);
        } catch (quire::error const& e) {
            CHECK(e.kind() == quire::errc::corrupt_page);
            CHECK(e.operation() == what);
            CHECK(e.page() == quire::page_id{quire::file_no::unknown, 7});
        }
    };
    auto const put16 = [&](std::size_t at, unsigned value) {
        quire::store_le(&buffer.bytes()[at], static_cast<std::uint16_t>(value));
    };
    auto const put32 = [&](std::size_t at, std::uint32_t value) {
        quire::store_le(&buffer.bytes()[at], value);
    };
    SECTION("kind") { put16(12, 1), expect("kind or version"); }
    SECTION("fences") { put16(24, 1), expect("fences"); }
    SECTION("low fence") { put32(40, 2), expect("low fence"); }
    SECTION("high fence") {
        put32(48, quire::line_pointer::redirect(0).bits());
        expect("high fence");
    }
    SECTION("fences that descend") {
        auto const low = quire::load_le<std::uint32_t>(&buffer.bytes()[40]);
        put32(40, quire::load_le<std::uint32_t>(&buffer.bytes()[48]));
        put32(48, low);
        expect("high fence");
    }
    SECTION("prefix") { put16(38, 1), expect("prefix_length"); }
    SECTION("prefix without a high fence") {
        page.reset(5, 0, bytes_of("b"), {}, false), put16(38, 1), expect("prefix_length");
    }
    SECTION("level") { buffer.bytes()[36] = std::byte{41}, expect("level"); }
    SECTION("inner without children") {
        page.reset(5, 1, bytes_of("b"), {}, false), expect("inner node without children");
    }
    SECTION("head") { put32(60, 7), expect("head of a key"); }
    SECTION("an entry that is too long") {
        auto const bits = quire::load_le<std::uint32_t>(&buffer.bytes()[64]);
        auto const before = quire::line_pointer::from_bits(bits);
        auto const size = before.length() + 105;  // with its key 107 bytes: 106 are allowed
        auto const at = before.offset() - 105;
        std::memmove(&buffer.bytes()[at], &buffer.bytes()[before.offset()], before.length());
        put32(64, quire::line_pointer::live(at, size).bits());
        put16(26, static_cast<unsigned>(at));
        expect("size of an entry");
    }
    SECTION("order") {
        std::swap_ranges(&buffer.bytes()[56], &buffer.bytes()[64], &buffer.bytes()[64]);
        expect("order of keys");
    }
    SECTION("first key below the fence") {
        page.erase(0), page.erase(0);
        REQUIRE(put(page, "a", ""));
        expect("key beyond a fence");
    }
    SECTION("last key above the fence") {
        REQUIRE(put(page, "d", ""));
        expect("key beyond a fence");
    }
    SECTION("an entry that is none") {
        put32(56, quire::line_pointer::redirect(0).bits());
        expect("entry");
    }
    SECTION("a leaf that says that it is inner") {
        buffer.bytes()[36] = std::byte{1}, expect("key beyond a fence");
    }
    SECTION("an inner node whose value is no child") {
        page.reset(5, 1, bytes_of("b"), {}, false);
        REQUIRE(put(page, "b", "12345"));
        expect("child");
    }
    SECTION("an inner node whose first key is not its low fence") {
        page.reset(5, 1, bytes_of("b"), {}, false);
        REQUIRE(put(page, "b1", "123456"));
        expect("key beyond a fence");
    }
}

TEST_CASE("btree_page: validate names what is wrong with a block") {
    page_buffer<512> buffer;
    node::format(buffer.span(), 7);
    node const page{buffer.span()};
    page.reset(5, 0, bytes_of("ka"), bytes_of("kx"), true, {.key = 4, .value = 4});
    for (char c = 'c'; page.count() < 20; ++c) {
        REQUIRE(put(page, std::string("k") + c + "xx", "1234"));
    }
    page.validate();
    auto const block = buffer.span().last((512 - 128 - 2 * 4) / 8 * 8);
    auto const expect = [&](std::string const& what) {
        try {
            page.validate();
            FAIL("validate found nothing, expected: " << what);
        } catch (quire::error const& e) {
            CHECK(e.kind() == quire::errc::corrupt_page);
            CHECK(e.operation() == what);
        }
    };
    auto const put8 = [&](std::size_t at, unsigned value) {
        buffer.bytes()[at] = static_cast<std::byte>(value);
    };
    SECTION("layout") { put8(37, 2), expect("block of entries"); }
    SECTION("slots where the layout says block") { put8(24, 4), expect("block of entries"); }
    SECTION("level") { put8(36, 1), expect("block of entries"); }
    SECTION("entries") { put8(60, 48), expect("block of entries"); }
    SECTION("more entries") { put8(61, 1), expect("block of entries"); }
    SECTION("size of a key") { put8(62, 0), expect("block of entries"); }
    SECTION("sizes") { put8(63, 18), expect("block of entries"); }
    SECTION("sizes, which are larger than those of a block") {
        while (page.count() > 2) { page.erase(2); }
        put8(63, 29), expect("block of entries");
    }
    SECTION("a block that does not end with the page") {
        auto const bits = quire::line_pointer::live(512 - block.size(), block.size() - 1).bits();
        quire::store_le(&buffer.bytes()[56], bits);
        expect("block of entries");
    }
    SECTION("a fence among the hints") {
        put8(26, 127), put8(27, 0);
        expect("block of entries");
    }
    SECTION("prefix") { put8(38, 0), expect("prefix_length"); }
    SECTION("prefix longer than the low fence") {
        put8(38, 3), expect("prefix_length");
        std::array<std::byte, node::key_size_max> room;
        CHECK_THROWS_AS(page.copy_prefix(room), quire::error);
        CHECK_THROWS_AS(page.copy_key(0, room), quire::error);
    }
    SECTION("prefix longer than a key") { put8(38, 5), expect("block of entries"); }
    SECTION("head of a fence") { put8(47, 0), expect("head of a fence"); }
    SECTION("head of the other") { put8(55, 0), expect("head of a fence"); }
    SECTION("hints") { put8(64 + 7 * 4, 1), expect("hints"); }
    SECTION("a key without the prefix") {
        block[0] = std::byte{'j'}, expect("prefix of a key");
    }
    SECTION("a last key without the prefix") {
        block[19 * 4] = std::byte{'l'}, expect("prefix of a key");
    }
    SECTION("order") {
        block[4 * 4 + 1] = std::byte{'c'}, expect("order of keys");
    }
    SECTION("first key") { block[1] = std::byte{'A'}, expect("key beyond a fence"); }
    SECTION("last key") { block[19 * 4 + 1] = std::byte{'y'}, expect("key beyond a fence"); }
    SECTION("a fence longer than a key") {
        page.reset(5, 0, bytes_of("a"), bytes_of("abcde"), true, {.key = 4, .value = 4});
        expect("fence longer than a key");
    }
}

TEST_CASE("btree_page: over racy bytes it finds what the others find") {
    page_buffer<512> buffer;
    node const page = make(buffer, 0, "ba", "bd");
    REQUIRE(put(page, "bb", "x"));
    REQUIRE(put(page, "bcz", "yy"));
    racy_node const racy{quire::as_racy(std::span<std::byte const, 512>{buffer.span()})};
    CHECK(racy_node::accepts(quire::as_racy(std::span<std::byte const, 512>{buffer.span()})));
    CHECK(racy.tree() == 5);
    CHECK(racy.count() == 2);
    CHECK(racy.holds(bytes_of("bb")));
    CHECK_FALSE(racy.holds(bytes_of("be")));
    CHECK(racy.find(bytes_of("bcz")).position == 1);
    CHECK(racy.find(bytes_of("bcz")).found);
    CHECK(racy.value(1).size() == 2);
    CHECK(key_at(racy, 1) == "bcz");
}
