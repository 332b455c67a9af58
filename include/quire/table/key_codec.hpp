// SPDX-License-Identifier: BSL-1.0
#pragma once

/// key_codec: keys of trees as bytes whose order, that of std::memcmp, is the order of the keys.
///
///   key                                        bytes
///   unsigned integers                          their own width, highest byte first
///   signed integers                            likewise, with the sign bit turned over
///   bool                                       one byte, 0 or 1
///   float, double                              as an integer that is ordered like it; -0 is 0
///   enums                                      as their underlying type
///   std::string, std::vector<std::byte>        the bytes themselves; inside of a compound key each
///                                              00 becomes 00 FF, and 00 01 ends it
///   std::pair, std::tuple, described structs   one member after the other, in their order
///
/// So comparisons know no types, and what keys have in common is cut off byte by byte
/// (btree_page.hpp). A key is found again as it was stored, except for -0.
///
/// For a key type of your own specialise `key_codec`: in terms of others, in most cases.
///
///     template <>
///     struct quire::key_codec<version> {
///         static void write(quire::key_writer& to, version const& key) {
///             quire::key_codec<std::uint32_t>::write(to, key.number());
///         }
///         static version read(quire::key_reader& from) {
///             return version{quire::key_codec<std::uint32_t>::read(from)};
///         }
///         static std::string name() { return "version"; }
///     };
///
/// If all keys of your type have the same number of bytes, say so, and leaves of such keys and of
/// values with a fixed size have neither slots nor lengths (btree_page.hpp). It is a mistake to say
/// so where it is not true: bad_key.
///
///         static constexpr std::size_t fixed_size = 4;
///
/// Another order of the same values, descending or without case, is another type with a codec of
/// its own. `name` stands in the catalog: a tree is opened with the keys that it was made with.
///
/// Errors: bad_key (NaN), tuple_too_large (more bytes than a key may have), and in reading
/// corrupt_page (the bytes are no key of the type).

#include <quire/base/byte_order.hpp>
#include <quire/base/error.hpp>
#include <quire/base/fixed_size.hpp>
#include <quire/row/described.hpp>

#include <algorithm>    // std::copy_n
#include <cmath>        // std::isnan
#include <optional>     // std::optional
#include <string>       // std::string
#include <string_view>  // std::string_view
#include <tuple>        // std::tuple, std::apply
#include <utility>      // std::pair
#include <vector>       // std::vector

namespace quire::inline QUIRE_ABI {

/// Where a key's bytes go.
class key_writer {
public:
    explicit key_writer(std::span<std::byte> room) noexcept : room_{room} {}

    /// Appends bytes. Errors: tuple_too_large.
    void put(std::span<std::byte const> bytes) {
        if (bytes.size() > room_.size() - size_) {
            throw error{errc::tuple_too_large, "a key of a tree"};
        }
        std::copy_n(bytes.data(), bytes.size(), room_.data() + size_);
        size_ += bytes.size();
    }
    template <std::unsigned_integral U>
    void put_number(U value) {
        std::array<std::byte, sizeof(U)> bytes;
        store_be(bytes.data(), value);
        put(bytes);
    }
    /// Appends bytes of any length. Inside of a compound key their end is marked.
    void put_text(std::span<std::byte const> bytes) {
        if (depth_ == 0) { return put(bytes); }
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            put(bytes.subspan(i, 1));
            if (bytes[i] == std::byte{0}) { put_number(std::uint8_t{0xFF}); }
        }
        put_number(std::uint16_t{0x0001});
    }
    /// Writes the members of a compound key by `fn()`.
    template <class Fn>
    void compound(Fn fn) {
        ++depth_;
        fn();
        --depth_;
    }
    [[nodiscard]] std::span<std::byte const> written() const noexcept {
        return room_.first(size_);
    }

private:
    std::span<std::byte> room_;
    std::size_t size_ = 0;
    int depth_ = 0;
};

/// Where they come from.
class key_reader {
public:
    explicit key_reader(std::span<std::byte const> key) noexcept : key_{key} {}

    template <std::unsigned_integral U>
    [[nodiscard]] U number() {
        if (key_.size() < sizeof(U)) { refuse(); }
        auto const value = load_be<U>(key_.data());
        key_ = key_.subspan(sizeof(U));
        return value;
    }
    [[nodiscard]] std::string text() {
        std::string found;
        auto const take = [&](std::byte b) { found += static_cast<char>(b); };
        if (depth_ == 0) {
            for (auto const b : key_) { take(b); }
            key_ = {};
            return found;
        }
        while (true) {
            auto const b = number<std::uint8_t>();
            if (b == 0) {
                auto const next = number<std::uint8_t>();
                if (next == 1) { return found; }
                if (next != 0xFF) { refuse(); }
            }
            take(std::byte{b});
        }
    }
    template <class Fn>
    [[nodiscard]] auto compound(Fn fn) {
        ++depth_;
        auto value = fn();
        --depth_;
        return value;
    }
    /// Expects: nothing is left. Errors: corrupt_page.
    void expect_end() const {
        if (!key_.empty()) { refuse(); }
    }

private:
    [[noreturn]] static void refuse() {
        throw error{errc::corrupt_page, "a key that is none of its type"};
    }

    std::span<std::byte const> key_;
    int depth_ = 0;
};

template <class Key>
struct key_codec;

/// A type with a key_codec.
template <class Key>
concept tree_key = requires(key_writer& to, key_reader& from, Key const& key) {
    key_codec<Key>::write(to, key);
    { key_codec<Key>::read(from) } -> std::same_as<Key>;
    { key_codec<Key>::name() } -> std::same_as<std::string>;
};

namespace detail {

/// How many bytes each key has: nothing when they differ, or the codec does not say.
template <class Key>
[[nodiscard]] consteval std::optional<std::size_t> key_size() {
    return fixed_size_of<key_codec<Key>>();
}
/// Likewise, of several one behind the other.
template <class... Key>
[[nodiscard]] consteval std::optional<std::size_t> sum_of_key_sizes() {
    if ((key_size<Key>().has_value() && ...)) { return (key_size<Key>().value_or(0) + ... + 0); }
    return std::nullopt;
}

}  // namespace detail

template <std::unsigned_integral U>
struct key_codec<U> {
    static constexpr std::size_t fixed_size = sizeof(U);
    static void write(key_writer& to, U key) {
        to.put_number(static_cast<detail::uint_of_size<sizeof(U)>>(key));
    }
    [[nodiscard]] static U read(key_reader& from) {
        return static_cast<U>(from.number<detail::uint_of_size<sizeof(U)>>());
    }
    [[nodiscard]] static std::string name() {
        return std::same_as<U, bool> ? "bool" : "u" + std::to_string(8 * sizeof(U));
    }
};

template <std::signed_integral I>
struct key_codec<I> {
private:
    using number = std::make_unsigned_t<I>;
    static constexpr auto sign = static_cast<number>(number{1} << (8 * sizeof(I) - 1));

public:
    static constexpr std::size_t fixed_size = sizeof(I);
    static void write(key_writer& to, I key) {
        to.put_number(static_cast<number>(static_cast<number>(key) ^ sign));
    }
    [[nodiscard]] static I read(key_reader& from) {
        return static_cast<I>(static_cast<number>(from.number<number>() ^ sign));
    }
    [[nodiscard]] static std::string name() { return "i" + std::to_string(8 * sizeof(I)); }
};

template <std::floating_point F>
    requires(sizeof(F) <= 8)
struct key_codec<F> {
private:
    using number = detail::uint_of_size<sizeof(F)>;
    static constexpr auto sign = static_cast<number>(number{1} << (8 * sizeof(F) - 1));

public:
    static constexpr std::size_t fixed_size = sizeof(F);
    static void write(key_writer& to, F key) {
        if (std::isnan(key)) { throw error{errc::bad_key, "NaN as a key of a tree"}; }
        auto const bits = std::bit_cast<number>(key == F{0} ? F{0} : key);
        to.put_number(static_cast<number>((bits & sign) != 0 ? ~bits : bits | sign));
    }
    [[nodiscard]] static F read(key_reader& from) {
        auto const bits = from.number<number>();
        return std::bit_cast<F>(static_cast<number>((bits & sign) != 0 ? bits ^ sign : ~bits));
    }
    [[nodiscard]] static std::string name() { return "f" + std::to_string(8 * sizeof(F)); }
};

template <>
struct key_codec<std::string> {
    static void write(key_writer& to, std::string_view key) {
        to.put_text(std::as_bytes(std::span{key}));
    }
    [[nodiscard]] static std::string read(key_reader& from) { return from.text(); }
    [[nodiscard]] static std::string name() { return "string"; }
};

template <>
struct key_codec<std::vector<std::byte>> {
    static void write(key_writer& to, std::span<std::byte const> key) { to.put_text(key); }
    [[nodiscard]] static std::vector<std::byte> read(key_reader& from) {
        auto const text = from.text();
        auto const bytes = std::as_bytes(std::span{text});
        return {bytes.begin(), bytes.end()};
    }
    [[nodiscard]] static std::string name() { return "bytes"; }
};

template <tree_key... Member>
struct key_codec<std::tuple<Member...>> {
    static constexpr auto fixed_size = detail::sum_of_key_sizes<Member...>();

    static void write(key_writer& to, std::tuple<Member...> const& key) {
        to.compound([&] {
            std::apply([&](auto const&... member) { (key_codec<Member>::write(to, member), ...); },
                       key);
        });
    }
    [[nodiscard]] static std::tuple<Member...> read(key_reader& from) {
        return from.compound([&] {
            return std::tuple<Member...>{key_codec<Member>::read(from)...};  // in this order
        });
    }
    [[nodiscard]] static std::string name() {
        std::string names;
        ((names += (names.empty() ? "" : ",") + key_codec<Member>::name()), ...);
        return "(" + names + ")";
    }
};

template <tree_key First, tree_key Second>
struct key_codec<std::pair<First, Second>> {
    static constexpr auto fixed_size = detail::sum_of_key_sizes<First, Second>();

    static void write(key_writer& to, std::pair<First, Second> const& key) {
        to.compound([&] {
            key_codec<First>::write(to, key.first);
            key_codec<Second>::write(to, key.second);
        });
    }
    [[nodiscard]] static std::pair<First, Second> read(key_reader& from) {
        return from.compound([&] {
            return std::pair<First, Second>{key_codec<First>::read(from),
                                            key_codec<Second>::read(from)};
        });
    }
    [[nodiscard]] static std::string name() {
        return "(" + key_codec<First>::name() + "," + key_codec<Second>::name() + ")";
    }
};

template <class E>
    requires std::is_enum_v<E>
struct key_codec<E> {
private:
    using number = key_codec<std::underlying_type_t<E>>;

public:
    static constexpr std::size_t fixed_size = sizeof(E);
    static void write(key_writer& to, E key) {
        number::write(to, static_cast<std::underlying_type_t<E>>(key));
    }
    [[nodiscard]] static E read(key_reader& from) { return static_cast<E>(number::read(from)); }
    [[nodiscard]] static std::string name() { return number::name(); }
};

namespace detail {

/// Whether a described struct has members, and all of them are keys. A base that is not described
/// would leave its members out: then there are none.
template <class Key>
[[nodiscard]] consteval bool has_key_members() {
    return []<template <class...> class List, class... Member>(List<Member...>) {
        return sizeof...(Member) > 0 && (tree_key<member_type<Member>> && ...);
    }(members_of<Key>{});
}
template <class Key>
[[nodiscard]] consteval std::optional<std::size_t> size_of_members() {
    return []<template <class...> class List, class... Member>(List<Member...>) {
        return sum_of_key_sizes<member_type<Member>...>();
    }(members_of<Key>{});
}

}  // namespace detail

template <described Key>
    requires(detail::has_key_members<Key>())
struct key_codec<Key> {
    static constexpr auto fixed_size = detail::size_of_members<Key>();

    static void write(key_writer& to, Key const& key) {
        to.compound([&] {
            for_each([&](auto member) {
                using type = detail::member_type<decltype(member)>;
                key_codec<type>::write(to, key.*member.pointer);
            });
        });
    }
    [[nodiscard]] static Key read(key_reader& from) {
        return from.compound([&] {
            Key key{};
            for_each([&](auto member) {
                using type = detail::member_type<decltype(member)>;
                key.*member.pointer = key_codec<type>::read(from);
            });
            return key;
        });
    }
    [[nodiscard]] static std::string name() {
        std::string names;
        for_each([&](auto member) {
            using type = detail::member_type<decltype(member)>;
            names += (names.empty() ? "" : ",") + std::string{member.name} + ":" +
                     key_codec<type>::name();
        });
        return "{" + names + "}";
    }

private:
    template <class Fn>
    static void for_each(Fn fn) {
        []<template <class...> class List, class... Member>(List<Member...>, Fn& each) {
            (each(Member{}), ...);
        }(detail::members_of<Key>{}, fn);
    }
};

static_assert(tree_key<std::uint64_t> && tree_key<int> && tree_key<double> &&
              tree_key<std::string> && tree_key<std::pair<std::string, std::int64_t>>);

}  // namespace quire::inline QUIRE_ABI
