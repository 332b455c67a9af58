// SPDX-License-Identifier: BSL-1.0
#pragma once

/// index_queue: a first-in-first-out queue of small numbers, linked both ways through an array.
///
/// The numbers are indices below the array's size: of frames, or of entries. Several queues may
/// share one array, since a number is in at most one of them. The owner of the array allocates it
/// once; nothing here allocates, and each operation touches at most three links.
///
/// Invariants
///   I1. Only the numbers that are in a queue have meaningful links.
///   I2. `oldest` has nothing older, `newest` nothing newer; both are none exactly when empty.
/// Threads: one at a time.

#include <quire/base/attributes.hpp>

#include <cstdint>  // std::uint32_t
#include <span>     // std::span

namespace quire::inline QUIRE_ABI::detail {

struct queue_link {
    std::uint32_t newer;
    std::uint32_t older;
};

class index_queue {
public:
    using index_type = std::uint32_t;
    static constexpr index_type none = ~index_type{0};

    /// Borrows `links`.
    explicit index_queue(std::span<queue_link> links) noexcept : links_{links} {}

    [[nodiscard]] index_type oldest() const noexcept { return oldest_; }
    [[nodiscard]] index_type size() const noexcept { return size_; }
    /// The one pushed next after `at`, or none. Expects: `at` is in the queue.
    [[nodiscard]] index_type newer(index_type at) const noexcept { return links_[at].newer; }

    /// Expects: `one` is in no queue over these links.
    void push(index_type one) noexcept {
        links_[one] = {none, newest_};
        (newest_ == none ? oldest_ : links_[newest_].newer) = one;
        newest_ = one;
        ++size_;
    }

    /// Expects: `one` is in this queue.
    void remove(index_type one) noexcept {
        auto const [newer, older] = links_[one];
        (older == none ? oldest_ : links_[older].newer) = newer;
        (newer == none ? newest_ : links_[newer].older) = older;
        --size_;
    }

private:
    std::span<queue_link> links_;
    index_type oldest_ = none;
    index_type newest_ = none;
    index_type size_ = 0;
};

}  // namespace quire::inline QUIRE_ABI::detail
