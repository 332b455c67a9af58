// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ghost_list: the ids of a fixed number of pages that left last, without their bytes.
///
/// A queue of entries, found by a hash table with chains; both are arrays that are allocated once.
/// A page is in it at most once. When it is full, the oldest entry is removed. An id is kept whole:
/// a shorter fingerprint would save half of the memory, but would sometimes confuse two pages, so
/// that two runs of one trace over different files could differ.
///
/// Threads: one at a time. Cost: 28 to 32 bytes per entry; a few cache misses per operation.

#include <quire/base/fixed_array.hpp>
#include <quire/base/page_id.hpp>
#include <quire/evict/detail/index_queue.hpp>

#include <bit>        // std::bit_ceil
#include <cstddef>    // std::size_t

namespace quire::inline QUIRE_ABI::detail {

class ghost_list {
public:
    /// Remembers up to `capacity` pages. Throws std::bad_alloc. There is one entry at least:
    /// without any, g++ 12 warns at -O3 of loops that are never entered.
    explicit ghost_list(std::uint32_t capacity)
        : capacity_{capacity},
          buckets_{std::bit_ceil(std::size_t{capacity} + 1)},
          entries_(capacity > 0 ? capacity : 1),
          first_(buckets_),
          links_(capacity > 0 ? capacity : 1),
          queue_{{links_.data(), capacity}} {
        for (std::size_t i = 0; i < buckets_; ++i) { first_[i] = index_queue::none; }
        for (std::uint32_t i = 0; i < capacity; ++i) {
            entries_[i].next = i + 1 < capacity ? i + 1 : index_queue::none;
        }
        free_ = capacity > 0 ? 0 : index_queue::none;
    }

    [[nodiscard]] std::uint32_t size() const noexcept { return queue_.size(); }

    /// Adds `page`, which left, as the newest; a full list loses its oldest.
    void add(page_id page) noexcept {
        if (capacity_ == 0) { return; }
        static_cast<void>(take(page));
        if (free_ == index_queue::none) { free_up(queue_.oldest()); }
        auto const at = free_;
        auto& bucket = bucket_of(page);
        free_ = entries_[at].next;
        entries_[at] = {page, bucket};
        bucket = at;
        queue_.push(at);
    }

    /// Removes `page`, and says whether it was in the list.
    bool take(page_id page) noexcept {
        for (auto at = bucket_of(page); at != index_queue::none; at = entries_[at].next) {
            if (entries_[at].page == page) {
                free_up(at);
                return true;
            }
        }
        return false;
    }

private:
    struct entry {
        page_id page;
        std::uint32_t next;  ///< in the bucket, or among the free ones
    };

    [[nodiscard]] std::uint32_t& bucket_of(page_id page) noexcept {
        return first_[(std::hash<page_id>{}(page) >> 16) & (buckets_ - 1)];
    }

    void free_up(std::uint32_t at) noexcept {
        auto* link = &bucket_of(entries_[at].page);
        while (*link != at) { link = &entries_[*link].next; }
        *link = entries_[at].next;
        queue_.remove(at);
        entries_[at].next = free_;
        free_ = at;
    }

    std::uint32_t capacity_;
    std::size_t buckets_;  ///< a power of two
    fixed_array<entry> entries_;
    fixed_array<std::uint32_t> first_;  // of each bucket
    fixed_array<queue_link> links_;
    index_queue queue_;
    std::uint32_t free_;
};

}  // namespace quire::inline QUIRE_ABI::detail
