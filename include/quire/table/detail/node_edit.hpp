// SPDX-License-Identifier: BSL-1.0
#pragma once

/// node_edit: one entry of a node comes, changes or goes, in slots or in a block (btree_page.hpp).
///
/// A writer of a value runs before anything moves, so it may read from the same page; when it
/// throws, nothing has changed that counts. What is expected is in btree_page.hpp.

#include <quire/table/detail/node_entries.hpp>

#include <array>  // std::array

namespace quire::inline QUIRE_ABI::detail {

template <std::size_t PageSize>
class node_edit {
    using entries = node_entries<std::byte, PageSize>;
    using shape = typename entries::shape;
    static constexpr std::size_t fences = entries::fences;

public:
    explicit node_edit(entries const& page) : page_{page}, now_{page.load_shape()} {}

    template <class Writer>
    [[nodiscard]] bool insert(std::size_t position, key_bytes key, std::size_t value_size,
                              Writer& write, bool overflows) const {
        QUIRE_EXPECTS(position <= now_.entries, "an entry is inserted where it belongs");
        if (now_.has_block()) { return insert_into_block(position, key, value_size, write); }
        if (now_.prefix > key.size()) { page_.corrupt("prefix_length"); }
        auto const rest = key.subspan(now_.prefix);
        bool const done = insert_at(page_, fences + position, 2 + rest.size() + value_size,
                                    entry_writer(rest, write, overflows));
        if (done) { put_tag(page_, fences + position, head_of(rest)); }
        return done;
    }
    template <class Writer>
    [[nodiscard]] bool replace(std::size_t position, std::size_t value_size, Writer& write,
                               bool overflows) const {
        auto const rest = page_.suffix(page_.checked(position, now_), now_);
        if (now_.has_block()) {
            with_value(value_size, write, [&](key_bytes value) {
                page_.block(now_).set_value(position, value);
            });
            return true;
        }
        return page_.place(fences + position, 2 + rest.size() + value_size,
                           entry_writer(rest, write, overflows));
    }
    void erase(std::size_t position) const {
        static_cast<void>(page_.checked(position, now_));
        if (!now_.has_block()) { return erase_at(page_, fences + position); }
        page_.block(now_).erase(position);
        page_.put_count(now_, now_.entries - 1);
    }
    /// Entries [first, last) of another block of the same sizes: false if there is none.
    [[nodiscard]] bool append(node_entries<std::byte const, PageSize> const& from,
                              std::size_t first, std::size_t last) const {
        auto const other = from.load_shape();
        auto const count = last - first;
        if (!now_.has_block() || now_.sizes != other.sizes || last > other.entries ||
            (now_.entries + count) * now_.sizes.sum() > now_.block_size) {
            return false;
        }
        page_.block(now_).append(from.block(other), first, last);
        page_.put_count(now_, now_.entries + count);
        return true;
    }

    /// Writes bytes that may lie in the same page.
    [[nodiscard]] static auto copier(key_bytes from) noexcept {
        return [from](std::span<std::byte> out) {
            QUIRE_EXPECTS(from.size() <= PageSize, "what is copied into a node fits into one");
            if (!from.empty()) { std::memmove(out.data(), from.data(), from.size()); }
        };
    }

private:
    template <class Writer>
    [[nodiscard]] bool insert_into_block(std::size_t position, key_bytes key,
                                         std::size_t value_size, Writer& write) const {
        // Before it says that it is full: who then makes room counts with these sizes.
        if (key.size() != now_.sizes.key) { page_.corrupt("size of a key"); }
        if (value_size != now_.sizes.value) { page_.corrupt("size of a value"); }
        if (now_.is_full()) { return false; }
        with_value(value_size, write, [&](key_bytes value) {
            page_.block(now_).insert(position, key, value);
        });
        page_.put_count(now_, now_.entries + 1);
        return true;
    }
    /// `act(value)` with what `write` writes.
    template <class Writer, class Act>
    void with_value(std::size_t size, Writer& write, Act act) const {
        std::array<std::byte, entries::block_entry_max> value;
        // The first follows from the second, which g++ does not see: it would warn.
        if (size > value.size() || size != now_.sizes.value) { page_.corrupt("size of a value"); }
        write(std::span{value}.first(size));
        act(key_bytes{value}.first(size));
    }
    template <class Writer>
    [[nodiscard]] static auto entry_writer(key_bytes rest, Writer& write, bool overflows) noexcept {
        auto const length = rest.size() | (overflows ? entries::overflow_bit : 0);
        return [rest, &write, length](std::span<std::byte> out) {
            store_le(out.data(), static_cast<std::uint16_t>(length));
            copier(rest)(out.subspan(2, rest.size()));
            write(out.subspan(2 + rest.size()));
        };
    }

    entries page_;
    shape now_;
};

}  // namespace quire::inline QUIRE_ABI::detail
