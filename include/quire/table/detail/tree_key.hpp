// SPDX-License-Identifier: BSL-1.0
#pragma once

/// tree_key: a typed key as bytes on the stack, and a key of a node that outlives the node's latch.
/// A key that is too long, or has no place in the order, is an error that says whose key it is, how
/// many bytes it has, and how many it may have.

#include <quire/table/btree_page.hpp>
#include <quire/table/key_codec.hpp>

#include <array>     // std::array
#include <optional>  // std::optional
#include <string>    // std::string, std::to_string
#include <vector>    // std::vector

namespace quire::inline QUIRE_ABI::detail {

/// How many bytes `write(to)` writes where it has room; nothing if that is not enough.
template <class Write>
[[nodiscard]] std::optional<std::size_t> size_of_key(Write const& write) {
    constexpr std::size_t size_max = std::size_t{1} << 26;
    std::vector<std::byte> room(1024);
    for (; room.size() <= size_max; room.resize(2 * room.size())) {
        try {
            key_writer to{room};
            write(to);
            return to.written().size();
        } catch (error const& why) {
            if (why.code() != errc::tuple_too_large) { throw; }
        }
    }
    return std::nullopt;
}

/// Throws `why` again, which `write(to)` has thrown, about the key of `whose`.
/// Expects: `why` is being handled.
template <class Write>
[[noreturn, gnu::cold]] void refuse_key(error const& why, std::string const& whose,
                                        std::size_t size_max, Write const& write) {
    bool const is_too_large = why.code() == errc::tuple_too_large;
    if (!is_too_large && why.code() != errc::bad_key) { throw; }
    auto const size = is_too_large ? size_of_key(write) : std::nullopt;
    auto const because = size ? std::to_string(*size) + " bytes as stored, at most " +
                                    std::to_string(size_max)
                              : std::string{why.operation()};
    throw error{why.kind(), "a key of " + whose, {.why = because}};
}

/// Of a key_codec whose `fixed_size` is not that of this key.
[[noreturn, gnu::cold]] inline void refuse_size(std::size_t size, std::size_t fixed_size,
                                                std::string const& whose) {
    throw error{errc::bad_key, "a key of " + whose,
                {.why = std::to_string(size) + " bytes, but its key_codec says that all have " +
                        std::to_string(fixed_size)}};
}

/// How large the entries of a tree are, if their leaves have a block of them (btree_page.hpp).
template <std::size_t EntryMax, std::size_t KeyMax>
[[nodiscard]] consteval entry_sizes sizes_of_entries(std::optional<std::size_t> key,
                                                     std::optional<std::size_t> value) {
    bool const has_block = key && value && *key > 0 && *key <= KeyMax && *value <= EntryMax &&
                           *key + *value <= EntryMax;
    return has_block ? entry_sizes{.key = *key, .value = *value} : entry_sizes{};
}

/// The bytes of a key. Errors: tuple_too_large, bad_key.
template <class Key, std::size_t SizeMax>
class encoded_key : immovable {
public:
    explicit encoded_key(Key const& key) {
        auto const write = [&](key_writer& to) { key_codec<Key>::write(to, key); };
        try {
            key_writer to{room_};
            write(to);
            size_ = to.written().size();
        } catch (error const& why) { refuse_key(why, "a tree", SizeMax, write); }
        if (auto const wanted = key_size<Key>(); wanted && size_ != *wanted) {
            refuse_size(size_, *wanted, "a tree");
        }
    }
    [[nodiscard]] key_bytes bytes() const noexcept { return {room_.data(), size_}; }

private:
    std::array<std::byte, SizeMax> room_;
    std::size_t size_ = 0;
};

/// A key from its bytes. Errors: corrupt_page.
template <class Key>
[[nodiscard]] Key decoded_key(key_bytes bytes) {
    key_reader from{bytes};
    Key key = key_codec<Key>::read(from);
    from.expect_end();
    return key;
}

/// A copy of a node's key.
template <std::size_t SizeMax>
class kept_key {
public:
    kept_key() noexcept = default;
    explicit kept_key(key_bytes key) noexcept { take(key); }

    [[nodiscard]] key_bytes bytes() const noexcept { return {room_.data(), size_}; }
    /// Expects: at most SizeMax bytes.
    void take(key_bytes key) noexcept {
        std::copy_n(key.data(), key.size(), room_.data());
        size_ = key.size();
    }
    /// The key at `position`. Errors: corrupt_page.
    template <class Node>
    void take(Node const& node, std::size_t position) {
        size_ = node.copy_key(position, room_);
    }
    /// What all keys of the node begin with: `complete` makes it one of them. Errors: corrupt_page.
    template <class Node>
    void begin(Node const& node) {
        size_ = prefix_ = node.copy_prefix(room_);
    }
    void complete(key_bytes suffix) noexcept {
        auto* const to = room_.data() + prefix_;
        if (suffix.size() <= 8) {  // of numbers: without a call
            store_be(to, leading_bytes(suffix.data(), suffix.size()));
        } else {
            std::copy_n(suffix.data(), suffix.size(), to);
        }
        size_ = prefix_ + suffix.size();
    }
    /// The node's high fence, if it has one, which is above what is here: so a walk over damaged
    /// nodes has an end. Errors: corrupt_page.
    template <class Node>
    [[nodiscard]] bool take_high(Node const& node) {
        if (!node.has_high()) { return false; }
        if (compare_keys(node.high(), bytes()) <= 0) { node.corrupt("high fence"); }
        take(node.high());
        return true;
    }

private:
    std::array<std::byte, SizeMax + 8> room_;  // complete writes up to 8 bytes more
    std::size_t size_ = 0;
    std::size_t prefix_ = 0;
};

}  // namespace quire::inline QUIRE_ABI::detail
