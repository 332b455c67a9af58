// SPDX-License-Identifier: BSL-1.0
#pragma once

/// schema_text: how a schema is written as text, and the fingerprint of that text, 64 bits.
///
///     id:i64,name:string,balance:f64?        struct { int64_t; string; optional<double>; }
///
/// The columns in order, separated by commas: name, colon, type, and `?` if it may be null.
///
///   bool c8 c16 c32 i8 i16 i32 i64 u8 u16 u32 u64 f32 f64     bool, characters, numbers; an enum
///                                                             is its underlying type
///   T[n]                            std::array<T, n>
///   {name:T,name:T}                 a struct inside of the struct
///   duration<T,n/d>  time<T,n/d>    a count of n/d seconds; such a count since 1970, UTC
///   string  bytes                   of any length
///
/// No spaces, no name of a struct or an enum: only what the bytes of a row mean. So structs that
/// read each other's rows have the same text, on every compiler and in every run.
///
/// The fingerprint is FNV-1a of 64 bits over this text, as UTF-8, without a terminator: begin
/// with 0xcbf29ce484222325; for each byte, xor it in, then multiply by 0x100000001b3 (mod 2^64).
/// It distinguishes schemas that differ by accident, not schemas made to collide.

#include <quire/base/attributes.hpp>

#include <array>        // std::array
#include <cstddef>      // std::size_t
#include <cstdint>      // std::uint64_t
#include <string_view>  // std::string_view

namespace quire::inline QUIRE_ABI {

/// FNV-1a, 64 bits.
[[nodiscard]] constexpr std::uint64_t fingerprint_of(std::string_view text) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (char const c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3;
    }
    return hash;
}

namespace detail {

/// Counts characters, and writes them if it has a buffer.
class text_writer {
public:
    constexpr explicit text_writer(char* out = nullptr) noexcept : out_{out} {}

    constexpr void put(std::string_view text) noexcept {
        for (char const c : text) {
            if (out_ != nullptr) { out_[size_] = c; }
            ++size_;
        }
    }
    constexpr void put(std::uintmax_t number) noexcept {
        if (number >= 10) { put(number / 10); }
        char const digit = static_cast<char>('0' + number % 10);
        put(std::string_view{&digit, 1});
    }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

private:
    char* out_;
    std::size_t size_ = 0;
};

/// The text that `Speller::spell` writes, as a constant.
template <class Speller>
class text_of {
    static constexpr std::size_t size = [] {
        text_writer counted;
        Speller::spell(counted);
        return counted.size();
    }();
    static constexpr std::array<char, size> characters = [] {
        std::array<char, size> out{};
        text_writer spelled{out.data()};
        Speller::spell(spelled);
        return out;
    }();

public:
    static constexpr std::string_view value{characters.data(), size};
};

}  // namespace detail
}  // namespace quire::inline QUIRE_ABI
