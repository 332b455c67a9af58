// SPDX-License-Identifier: BSL-1.0
#pragma once

/// store: the interface of quire's tree and its peers for the benchmark of ordered maps.
///
/// A store maps 64-bit keys, below 2^63, to values of `Size` bytes, whose first eight are
/// value_of(key). It is made in an empty folder, holds everything in memory, and is used in the
/// usual way of its system. A call does many operations of one thread, so that a system can keep
/// what it is meant to keep (a read transaction, a prepared statement, an iterator).
///
/// Errors: all throw std::runtime_error with the system's message; the benchmark then stops.

#include "../systems/system.hpp"

#include <array>
#include <cstring>
#include <span>

namespace quire_bench {

using key_list = std::span<std::uint64_t const>;

class ordered_store {
public:
    ordered_store() = default;
    ordered_store(ordered_store const&) = delete;
    ordered_store& operator=(ordered_store const&) = delete;
    virtual ~ordered_store() = default;

    /// Adds keys that are not there yet. By several threads at once, each with keys of its own.
    virtual void insert(key_list keys) = 0;
    /// Adds keys in ascending order, above all that are there, in the way that the system has for
    /// that, if it has one.
    virtual void append(key_list keys) { insert(keys); }
    /// The sum of the values' first eight bytes. By threads 0, 1 ... at once, while nobody inserts.
    [[nodiscard]] virtual std::uint64_t get(unsigned thread, key_list keys) = 0;
    /// Likewise of the `length` entries from each of the keys on, in order, or those there are.
    [[nodiscard]] virtual std::uint64_t scan(key_list from, std::size_t length) = 0;
    /// After insertions, not timed: what the system does behind them is done.
    virtual void settle() {}
};

/// For how many keys a store is made, by how many threads it is read.
struct store_size {
    std::uint64_t keys;
    unsigned threads;
};

/// How many insertions go into one transaction, where a system has transactions.
inline constexpr std::size_t batch_size = 1000;

[[nodiscard]] inline std::uint64_t value_of(std::uint64_t key) noexcept {
    return (key + 1) * 0x9E3779B97F4A7C15ULL;
}
[[nodiscard]] inline std::uint64_t number_at(void const* at) noexcept {
    std::uint64_t number;
    std::memcpy(&number, at, sizeof number);
    return number;
}
template <std::size_t Size>
class value_bytes {
    static_assert(Size >= sizeof(std::uint64_t));

public:
    value_bytes() noexcept { bytes_.fill(std::byte{1}); }
    /// The value of `key`, until the next call.
    [[nodiscard]] std::byte* of(std::uint64_t key) noexcept {
        auto const number = value_of(key);
        std::memcpy(bytes_.data(), &number, sizeof number);
        return bytes_.data();
    }

private:
    std::array<std::byte, Size> bytes_;
};

/// A key as bytes in the order of numbers, for systems that compare bytes.
class big_endian_key {
public:
    explicit big_endian_key(std::uint64_t key) noexcept {
        key = __builtin_bswap64(key);
        std::memcpy(bytes_.data(), &key, sizeof key);
    }
    [[nodiscard]] char* data() noexcept { return bytes_.data(); }
    [[nodiscard]] static constexpr std::size_t size() noexcept { return 8; }

private:
    std::array<char, 8> bytes_;
};

/// Calls `fn` with a batch of `keys` after the other.
template <class Fn>
void in_batches(key_list keys, Fn fn) {
    for (; keys.size() > batch_size; keys = keys.subspan(batch_size)) {
        fn(keys.first(batch_size));
    }
    fn(keys);
}

/// Bytes of memory that hold a tree of so many entries, with pages half full, and some more.
[[nodiscard]] constexpr std::uint64_t room_for(std::uint64_t keys, std::size_t value_size) {
    return (std::uint64_t{1} << 25) + keys * (value_size + 32) * 2;
}

}  // namespace quire_bench
