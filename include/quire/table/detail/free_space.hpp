// SPDX-License-Identifier: BSL-1.0
#pragma once

/// free_space: about how much room each page of a heap file has: one byte a page, in memory.
///
/// Hints: one that is too high costs a look at a page, and is mended there; one that is too low is
/// room that nobody finds. A page that `take` returned is no other's until its room is noted again:
/// so threads that insert have pages of their own.
///
/// What a change of the caller's did to a page may be undone. Such a page is doubted, until someone
/// looks at it again (`take_doubted`). For that change itself it is worth a look only if that made
/// room there, or left much.
///
/// Room is in 256ths of a page. A tree of maxima stands over the bytes, as an array: node i has the
/// larger room of nodes 2i and 2i + 1, and the last half are the pages, in the order in which they
/// came.
/// Threads: any. Cost: O(log pages) each; a page of a number below those that came before moves the
/// runs behind it.

#include <quire/base/page_id.hpp>

#include <algorithm>  // std::ranges::upper_bound
#include <map>        // std::map
#include <mutex>      // std::mutex
#include <optional>   // std::optional
#include <vector>     // std::vector

namespace quire::inline QUIRE_ABI::detail {

class free_space {
public:
    using room_type = std::uint8_t;
    using doubted_page = std::map<page_no, bool>::node_type;

    /// `all`: what a page with nothing in it is noted with.
    explicit free_space(room_type all = 255) noexcept : all_{all} {}

    /// `free` bytes of a page of `page_size`, rounded down.
    [[nodiscard]] static constexpr room_type room_of(std::size_t free,
                                                     std::size_t page_size) noexcept {
        auto const room = free * 256 / page_size;
        return static_cast<room_type>(room < 255 ? room : 255);
    }

    /// Notes the room of a page, which may be a new one. Errors: std::bad_alloc.
    void add(page_no no, room_type room) {
        std::lock_guard const alone{mutex_};
        auto const place = place_of(no);
        put(place ? *place : append(no), room);
    }
    /// Notes the room of a page; nothing happens for one that was not added.
    void set(page_no no, room_type room) noexcept {
        std::lock_guard const alone{mutex_};
        if (auto const place = place_of(no)) { put(*place, room); }
    }
    /// Whether some page has that much room.
    [[nodiscard]] bool has(room_type room) const noexcept {
        std::lock_guard const alone{mutex_};
        return !tree_.empty() && tree_[1] >= room;
    }
    /// A page with that much room, which is the caller's.
    [[nodiscard]] std::optional<page_no> take(room_type room) noexcept {
        std::lock_guard const alone{mutex_};
        if (tree_.empty() || tree_[1] < room || room == 0) { return std::nullopt; }
        std::size_t node = 1;
        while (node < leaves()) { node = 2 * node + (tree_[2 * node] < room); }
        auto const place = node - leaves();
        put(place, 0);
        return pages_[place];
    }
    /// Notes that a page may have more room than is noted, `for_its_change`, too. Errors:
    /// std::bad_alloc.
    void doubt(page_no no, bool for_its_change = false) {
        std::lock_guard const alone{mutex_};
        doubted_[no] |= for_its_change;
    }
    /// A page, `key()`, that is doubted, and from now on is not; empty if there is none. `mapped()`
    /// is whether for its change, too. They have their turns, also if they are doubted again.
    [[nodiscard]] doubted_page take_doubted() noexcept {
        std::lock_guard const alone{mutex_};
        if (doubted_.empty()) { return {}; }
        auto next = doubted_.upper_bound(last_doubted_);
        if (next == doubted_.end()) { next = doubted_.begin(); }
        last_doubted_ = next->first;
        return doubted_.extract(next);
    }
    /// It is doubted again.
    void doubt(doubted_page&& one) noexcept {
        std::lock_guard const alone{mutex_};
        bool const for_its_change = one.mapped();
        doubted_.insert(std::move(one)).position->second |= for_its_change;
    }
    /// What is noted of a page.
    [[nodiscard]] std::optional<room_type> room(page_no no) const noexcept {
        std::lock_guard const alone{mutex_};
        auto const place = place_of(no);
        if (!place) { return std::nullopt; }
        return tree_[leaves() + *place];
    }
    /// `fn(i, room)` for each of `count` pages, `page(i)`, of which something is noted. O(1) a page
    /// in the order in which they came.
    template <class Page, class Fn>
    void for_each_of(std::size_t count, Page page, Fn fn) const {
        std::lock_guard const alone{mutex_};
        std::size_t next = pages_.size();  // the place behind the last page's
        for (std::size_t i = 0; i < count; ++i) {
            page_no const no = page(i);
            bool const follows = next < pages_.size() && pages_[next] == no;
            auto const place = follows ? std::optional{next} : place_of(no);
            if (!place) { continue; }
            fn(i, tree_[leaves() + *place]);
            next = *place + 1;
        }
    }
    [[nodiscard]] std::size_t pages() const noexcept {
        std::lock_guard const alone{mutex_};
        return pages_.size();
    }
    /// How many are noted as empty.
    [[nodiscard]] std::size_t empty_pages() const noexcept {
        std::lock_guard const alone{mutex_};
        return empty_;
    }

private:
    /// Pages that follow each other, in the file and here.
    struct run {
        std::uint64_t first;
        std::size_t count;
        std::size_t place;
    };

    [[nodiscard]] std::size_t leaves() const noexcept { return tree_.size() / 2; }
    void put(std::size_t place, room_type room) noexcept {
        auto node = leaves() + place;
        empty_ = empty_ + (room >= all_) - (tree_[node] >= all_);
        tree_[node] = room;
        while (node > 1) {
            node /= 2;
            auto const larger = std::max(tree_[2 * node], tree_[2 * node + 1]);
            if (tree_[node] == larger) { return; }
            tree_[node] = larger;
        }
    }
    /// The run behind the one that may have page `no`.
    [[nodiscard]] auto behind(page_no no) const noexcept {
        return std::ranges::upper_bound(runs_, no.value(), {}, &run::first);
    }
    [[nodiscard]] std::optional<std::size_t> place_of(page_no no) const noexcept {
        auto const after = behind(no);
        if (after == runs_.begin()) { return std::nullopt; }
        auto const& one = *(after - 1);
        auto const offset = no.value() - one.first;
        if (offset >= one.count) { return std::nullopt; }
        return one.place + offset;
    }
    [[nodiscard]] std::size_t append(page_no no) {
        auto const place = pages_.size();
        if (place == leaves()) { enlarge(); }
        pages_.reserve(leaves());
        auto const after = behind(no);
        if (after != runs_.begin()) {
            auto& before = runs_[static_cast<std::size_t>(after - runs_.begin() - 1)];
            if (before.first + before.count == no.value() && before.place + before.count == place) {
                ++before.count;
                pages_.push_back(no);
                return place;
            }
        }
        runs_.insert(after, {no.value(), 1, place});
        pages_.push_back(no);
        return place;
    }
    void enlarge() {
        std::vector<room_type> larger(tree_.empty() ? 128 : 2 * tree_.size());
        std::copy_n(tree_.begin() + static_cast<std::ptrdiff_t>(leaves()), leaves(),
                    larger.begin() + static_cast<std::ptrdiff_t>(larger.size() / 2));
        tree_ = std::move(larger);
        for (auto node = leaves() - 1; node > 0; --node) {
            tree_[node] = std::max(tree_[2 * node], tree_[2 * node + 1]);
        }
    }

    std::mutex mutable mutex_;
    std::vector<run> runs_;        ///< by their first pages
    std::vector<page_no> pages_;   ///< by place
    std::vector<room_type> tree_;  ///< [0] is unused
    room_type all_;
    std::size_t empty_ = 0;
    std::map<page_no, bool> doubted_;
    page_no last_doubted_;
};

}  // namespace quire::inline QUIRE_ABI::detail
