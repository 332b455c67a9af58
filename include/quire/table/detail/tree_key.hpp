// SPDX-License-Identifier: BSL-1.0
#pragma once

/// tree_key: a typed key as bytes on the stack, and a key of a node that outlives the node's latch.

#include <quire/table/btree_page.hpp>
#include <quire/table/key_codec.hpp>

#include <array>  // std::array

namespace quire::inline QUIRE_ABI::detail {

/// The bytes of a key. Errors: tuple_too_large, bad_key.
template <class Key, std::size_t SizeMax>
class encoded_key : immovable {
public:
    explicit encoded_key(Key const& key) {
        key_writer to{room_};
        key_codec<Key>::write(to, key);
        size_ = to.written().size();
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
    /// The node's high fence, if it has one.
    template <class Node>
    [[nodiscard]] bool take_high(Node const& node) {
        if (!node.has_high()) { return false; }
        take(node.high());
        return true;
    }

private:
    std::array<std::byte, SizeMax + 8> room_;  // complete writes up to 8 bytes more
    std::size_t size_ = 0;
    std::size_t prefix_ = 0;
};

}  // namespace quire::inline QUIRE_ABI::detail
