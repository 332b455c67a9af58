// SPDX-License-Identifier: BSL-1.0
#pragma once

/// tree_builder: entries in ascending order, behind all that a tree has, a leaf at a time.
///
/// Entries are gathered aside until a leaf is as full as it shall be. When the next key is known,
/// so are both fences, and with them what the keys of the leaf have in common: the last leaf of
/// the tree, an empty one, gets them all in one change, and a new empty leaf follows it. So each
/// entry is copied twice and compared once, and nothing is split.
///
/// Before the last leaf is empty (the tree has something, or another thread put something there)
/// entries are added one by one, as others are, until that leaf is full and another begins;
/// likewise those that are left in the end, one whose value gets overflow pages, and those that
/// belong before an empty last leaf.
///
/// Invariants
///   I1. Those gathered but the last fit into a leaf that ends before that one: it was looked at
///       when it came. If they do not fit with it, whose successor may leave them less in common,
///       the leaf ends there.
///   I2. What is in the tree are the first entries of all, at any time.
///
/// `Run` is a function that runs `act(change)` in a change: one of its own, or the caller's.

#include <quire/table/detail/byte_tree.hpp>

#include <vector>  // std::vector

namespace quire::inline QUIRE_ABI::detail {

template <class Tree, class Run>
class tree_builder : immovable {
    using node = btree_page<std::byte, Tree::node_view::page_size>;
    using outcome = typename Tree::outcome;

public:
    /// `fill`: how full a leaf shall be, from 0 to 1. Errors: those of reading.
    tree_builder(Tree const& tree, Run run, double fill)
        : tree_{tree},
          run_{std::move(run)},
          size_wanted_{static_cast<std::size_t>(fill * static_cast<double>(node::page_size))} {
        begin_gathering();
    }

    /// Adds an entry. Expects: key and value keep key_size_max and entry_size_max.
    /// Errors: bad_key (the key is not above all others), those of writing.
    template <class Write>
    void add(key_bytes key, std::size_t value_size, Write const& write) {
        if (!entries_.empty()) {
            auto const same = common_prefix(last_key(), key);
            if (same == key.size() || (same < last_key().size() && last_key()[same] > key[same])) {
                refuse();
            }
            while (!entries_.empty() && size_before(key) > size_wanted_) { make_leaf(key); }
        }
        if (Tree::stands_apart(key.size(), value_size)) {
            finish();
            return add_alone(key, value_size, write);
        }
        gathers_ = gathers_ && is_of_last_leaf(key);
        if (gathers_ || !try_add_alone(key, value_size, write)) { gather(key, value_size, write); }
    }
    /// Adds what is gathered. Errors: as add.
    void finish() {
        for (auto const& one : entries_) {
            auto const value = value_of(one);
            auto const write = [value](std::span<std::byte> out) {
                std::copy_n(value.data(), value.size(), out.data());
            };
            add_alone(key_of(one), value.size(), write);
        }
        forget(entries_.size());
    }

private:
    struct entry {
        std::size_t at;
        std::size_t key_size;
        std::size_t value_size;
    };

    [[nodiscard]] key_bytes key_of(entry const& one) const noexcept {
        return {bytes_.data() + one.at, one.key_size};
    }
    [[nodiscard]] key_bytes value_of(entry const& one) const noexcept {
        return {bytes_.data() + one.at + one.key_size, one.value_size};
    }
    [[nodiscard]] key_bytes last_key() const noexcept { return key_of(entries_.back()); }
    [[noreturn]] static void refuse() {
        throw error{errc::bad_key, "append to a tree",
                    {.why = "keys that are appended ascend, behind all that are there"}};
    }

    /// If the last leaf of the tree is empty.
    void begin_gathering() {
        run_([&](auto& changes) { gathers_ = tree_.is_empty_at_end(changes, low_); });
    }
    /// Else it belongs before the last leaf, which is empty. Expects: gathers_.
    [[nodiscard]] bool is_of_last_leaf(key_bytes key) const noexcept {
        return compare_keys(key, low_.bytes()) >= 0;
    }
    /// False when the last leaf is full, and another one was begun, so that entries are gathered.
    template <class Write>
    [[nodiscard]] bool try_add_alone(key_bytes key, std::size_t value_size, Write const& write) {
        while (!gathers_) {
            auto result = outcome::full;
            run_([&](auto& changes) {
                result = tree_.try_append(changes, key, value_size, write);
            });
            if (result == outcome::done) { return true; }
            if (result == outcome::there_already) { refuse(); }
            tree_.make_room_by(run_, key, value_size);
            begin_gathering();
            gathers_ = gathers_ && is_of_last_leaf(key);
        }
        return false;
    }
    template <class Write>
    void add_alone(key_bytes key, std::size_t value_size, Write const& write) {
        do { gathers_ = false; } while (!try_add_alone(key, value_size, write));
    }
    template <class Write>
    void gather(key_bytes key, std::size_t value_size, Write const& write) {
        auto const at = bytes_.size();
        bytes_.resize(at + key.size() + value_size);
        std::copy_n(key.data(), key.size(), bytes_.data() + at);
        write(std::span{bytes_}.subspan(at + key.size()));
        entries_.push_back({at, key.size(), value_size});
        size_ += node::entry_overhead + key.size() + value_size;
    }
    /// Of a leaf with the entries that are gathered, when `key` is the next one.
    [[nodiscard]] std::size_t size_before(key_bytes key) const noexcept {
        if (tree_.sizes().are_fixed()) { return node::used_by(entries_.size(), tree_.sizes()); }
        auto const in_all = common_prefix(low_.bytes(), key);
        auto const fences = low_.bytes().size() + common_prefix(last_key(), key) + 1;
        return node::empty_size + fences + size_ - entries_.size() * in_all;
    }
    /// With those gathered that fit, behind which `key` comes.
    void make_leaf(key_bytes key) {
        bool const takes_all = size_before(key) <= node::page_size;
        auto const count = entries_.size() - (takes_all ? 0 : 1);
        auto const next = takes_all ? key : last_key();
        auto const last = key_of(entries_[count - 1]);
        kept_key<node::key_size_max> const high{next.first(common_prefix(last, next) + 1)};
        bool const is_made =
            tree_.append_leaf(run_, low_.bytes(), high.bytes(), [&](node const& leaf) {
                bool fits = true;
                for (std::size_t i = 0; i < count; ++i) {
                    auto const value = value_of(entries_[i]);
                    fits = leaf.insert(i, key_of(entries_[i]), value.size(),
                                       [value](std::span<std::byte> out) {
                                           std::copy_n(value.data(), value.size(), out.data());
                                       }) && fits;
                }
                QUIRE_EXPECTS(fits, "a leaf has room for the entries that were counted");
            });
        if (!is_made) { return finish(); }  // another thread put something there
        low_ = high;
        forget(count);
    }
    void forget(std::size_t count) {
        for (auto const& one : std::span{entries_}.first(count)) {
            size_ -= node::entry_overhead + one.key_size + one.value_size;
        }
        auto const end = count < entries_.size() ? entries_[count].at : bytes_.size();
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(end));
        entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(count));
        for (auto& one : entries_) { one.at -= end; }
    }

    Tree const& tree_;
    Run run_;
    std::size_t const size_wanted_;  ///< bytes of a leaf
    bool gathers_ = false;
    kept_key<node::key_size_max> low_;  ///< of the last leaf, while it is empty
    std::vector<std::byte> bytes_;
    std::vector<entry> entries_;
    std::size_t size_ = 0;  ///< what those take in a leaf without a common prefix
};

}  // namespace quire::inline QUIRE_ABI::detail
