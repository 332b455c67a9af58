// SPDX-License-Identifier: BSL-1.0
#pragma once

/// value_codec: what stands beside a key in a tree, as bytes and back.
///
///   value                                bytes                          lent as
///   integers, float, double              their own width, little-endian  the value
///   std::string                          the characters                  column_text
///   std::vector<std::byte>               the bytes                       byte_view
///   std::array<std::byte, N>             the bytes                       byte_view
///   a type with a tuple_codec            its tuple                       its view: for described
///     (described structs: row/codec.hpp)                                 structs a row
///   std::monostate                       none                            std::monostate
///
/// For a value type of your own specialise tuple_codec (page/tuple_codec.hpp), or this.
///
/// Errors: corrupt_page or row_mismatch when the bytes are no value of the type.

#include <quire/base/fixed_size.hpp>
#include <quire/borrow/byte_view.hpp>
#include <quire/row/codec.hpp>

#include <algorithm>  // std::copy_n, std::min
#include <array>      // std::array
#include <string>     // std::string
#include <variant>    // std::monostate
#include <vector>     // std::vector

namespace quire::inline QUIRE_ABI {

/// How a Value is stored in a tree. A specialisation has
///
///   size(v)          its bytes
///   encode(v, out)   writes them to `out`, which has size(v) bytes
///   lend(bytes)      what is lent: a prvalue, valid as long as the leaf is held
///   lend(bytes, from)  optional: likewise, and it keeps `from`, a quire::borrow, as long as it
///                    lives: a column_text, or a class with QUIRE_BORROWER. Then compilers and
///                    checked builds check that what a cursor lends ends before it goes on
///   decode(bytes)    a Value of its own
///   name()           its type, for the catalog
///   fixed_size       optional: what size(v) is for every v, a constant. A value of another size is
///                    refused: bad_option
template <class Value>
struct value_codec;

template <class Value>
concept tree_value =
    requires(Value const& value, std::span<std::byte> out, std::span<std::byte const> in) {
        { value_codec<Value>::size(value) } -> std::same_as<std::size_t>;
        value_codec<Value>::encode(value, out);
        value_codec<Value>::lend(in);
        { value_codec<Value>::decode(in) } -> std::same_as<Value>;
        { value_codec<Value>::name() } -> std::same_as<std::string>;
    };

template <page_number N>
struct value_codec<N> {
    static constexpr std::size_t fixed_size = sizeof(N);

    [[nodiscard]] static std::size_t size(N) noexcept { return sizeof(N); }
    static void encode(N value, std::span<std::byte> out) noexcept { store_le(out.data(), value); }
    [[nodiscard]] static N lend(std::span<std::byte const> bytes) { return decode(bytes); }
    [[nodiscard]] static N decode(std::span<std::byte const> bytes) {
        if (bytes.size() != sizeof(N)) { throw error{errc::corrupt_page, "a number in a tree"}; }
        return load_le<N>(bytes.data());
    }
    [[nodiscard]] static std::string name() {
        return (std::floating_point<N> ? "f" : std::signed_integral<N> ? "i" : "u") +
               std::to_string(8 * sizeof(N));
    }
};

template <>
struct value_codec<std::string> {
    [[nodiscard]] static std::size_t size(std::string_view value) noexcept { return value.size(); }
    static void encode(std::string_view value, std::span<std::byte> out) noexcept {
        std::copy_n(value.data(), value.size(), reinterpret_cast<char*>(out.data()));
    }
    [[nodiscard]] static column_text lend(std::span<std::byte const> bytes,
                                          borrow const& from = {}) noexcept {
        return column_text{bytes, from};
    }
    [[nodiscard]] static std::string decode(std::span<std::byte const> bytes) {
        return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
    }
    [[nodiscard]] static std::string name() { return "string"; }
};

template <>
struct value_codec<std::vector<std::byte>> {
    [[nodiscard]] static std::size_t size(std::span<std::byte const> value) noexcept {
        return value.size();
    }
    static void encode(std::span<std::byte const> value, std::span<std::byte> out) noexcept {
        std::copy_n(value.data(), value.size(), out.data());
    }
    [[nodiscard]] static byte_view<std::byte const> lend(std::span<std::byte const> bytes,
                                                         borrow const& from = {}) noexcept {
        return byte_view<std::byte const>{bytes, from};
    }
    [[nodiscard]] static std::vector<std::byte> decode(std::span<std::byte const> bytes) {
        return {bytes.begin(), bytes.end()};
    }
    [[nodiscard]] static std::string name() { return "bytes"; }
};

template <std::size_t N>
struct value_codec<std::array<std::byte, N>> {
    using value_type = std::array<std::byte, N>;
    static constexpr std::size_t fixed_size = N;

    [[nodiscard]] static std::size_t size(value_type const&) noexcept { return N; }
    static void encode(value_type const& value, std::span<std::byte> out) noexcept {
        auto const size = std::min(N, out.size());  // N: g++ 12 -O3 warns of code that never runs
        std::copy_n(value.data(), size, out.data());
    }
    [[nodiscard]] static byte_view<std::byte const> lend(std::span<std::byte const> bytes,
                                                         borrow const& from = {}) {
        return byte_view<std::byte const>{checked(bytes), from};
    }
    [[nodiscard]] static value_type decode(std::span<std::byte const> bytes) {
        value_type value;
        std::copy_n(checked(bytes).data(), N, value.data());
        return value;
    }
    [[nodiscard]] static std::string name() { return "bytes[" + std::to_string(N) + "]"; }

private:
    [[nodiscard]] static std::span<std::byte const> checked(std::span<std::byte const> bytes) {
        if (bytes.size() != N) { throw error{errc::corrupt_page, "an array in a tree"}; }
        return bytes;
    }
};

template <>
struct value_codec<std::monostate> {
    static constexpr std::size_t fixed_size = 0;

    [[nodiscard]] static std::size_t size(std::monostate) noexcept { return 0; }
    static void encode(std::monostate, std::span<std::byte>) noexcept {}
    [[nodiscard]] static std::monostate lend(std::span<std::byte const>) noexcept { return {}; }
    [[nodiscard]] static std::monostate decode(std::span<std::byte const>) noexcept { return {}; }
    [[nodiscard]] static std::string name() { return "nothing"; }
};

template <tuple_type Value>
struct value_codec<Value> {
    using view = typename tuple_codec<Value>::template view<std::byte const>;
    static constexpr auto fixed_size = detail::fixed_size_of<tuple_codec<Value>>();

    [[nodiscard]] static std::size_t size(Value const& value) {
        return tuple_codec<Value>::size(value);
    }
    static void encode(Value const& value, std::span<std::byte> out) {
        tuple_codec<Value>::encode(value, out);
    }
    [[nodiscard]] static auto lend(std::span<std::byte const> bytes) {
        return view{bytes, tuple_place{}};
    }
    [[nodiscard]] static auto lend(std::span<std::byte const> bytes, borrow const& from)
        requires detail::lent_view<view, std::byte const>
    {
        return view{bytes, tuple_place{}, from};
    }
    [[nodiscard]] static Value decode(std::span<std::byte const> bytes) {
        return detail::decoded<Value>(bytes, tuple_place{});
    }
    [[nodiscard]] static std::string name() {
        if constexpr (described<Value>) {
            return "{" + std::string{schema<Value>::text} + "}";
        } else {
            return "tuple";
        }
    }
};

static_assert(tree_value<std::uint64_t> && tree_value<std::string> && tree_value<std::monostate> &&
              tree_value<std::array<std::byte, 3>>);

}  // namespace quire::inline QUIRE_ABI
