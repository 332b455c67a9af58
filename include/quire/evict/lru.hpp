// SPDX-License-Identifier: BSL-1.0
#pragma once

/// lru: the victim is always the page whose last use is the longest ago. It is exact, and each hit
/// pays for that: for workloads that are known to need it, and to compare other policies with.
///
/// Every use takes the next number of one counter as the page's stamp; the victim is the page with
/// the least stamp. A hit writes a stamp and nothing else. The order of the frames, a heap of
/// stamps, is corrected only by searches: while the stamp of the frame at the top has grown, the
/// frame sinks to its place. When the top is up to date, no frame has an older stamp.
///
/// Why this shape: the textbook's list in order of use needs a mutex on each hit, and writes the
/// headers of four frames as well. Here hits do not wait for each other or for a search; they share
/// one word, whose cache line moves between the threads that hit. A page that is used twice in a
/// row, with no other page in between, is stamped once.
/// The price: the work that hits put off is done by searches, under the pool's mutex. Amortised,
/// that is one step of the heap, log2(frames), per use. But if every frame was used since the last
/// search, a search corrects the whole heap: frames x log2(frames), and the pool's misses wait.
///
/// Candidates are kept behind the heap in the same array until they are removed or the next search
/// takes them back, with the stamps that they then have. A page that is held or pinned is in use:
/// it is stamped again when it is proposed, or it would come first in every search.
///
/// Invariants
///   I1. A stamp never falls; the heap's copy of it is never greater.
///   I2. heap_[place_[f]].frame == f for every frame f that is held; place_ is nowhere for others.
///   I3. A frame that is used after a search began is corrected at most once in that search, so it
///       ends however frequent hits are. The order of such frames is that of some moment of it.
///   I4. Everything except stamps and the counter changes under the pool's mutex only.
/// Cost: a hit is one atomic addition on a word shared by all threads and one compare-exchange on
/// the frame's own; two loads when the page was the last one used. 28 bytes a frame, and with the
/// default latch a second cache line of its header, which only logged() touches.
/// Source: the definition; the heap that is corrected late is folklore.

#include <quire/base/fixed_array.hpp>
#include <quire/evict/eviction_policy.hpp>

#include <atomic>   // std::atomic
#include <utility>  // std::swap

namespace quire::inline QUIRE_ABI {

class lru {
public:
    struct frame_state {
        std::atomic<std::uint64_t> stamp{0};
    };

    explicit lru(frame_states<frame_state> frames)
        : frames_{frames},
          heap_(frames.size()),
          place_(frames.size()) {
        for (auto& place : place_) { place = nowhere; }
    }

    void touch(frame_state& state) noexcept {
        auto seen = state.stamp.load(std::memory_order_relaxed);
        if (seen == now_.load(std::memory_order_relaxed)) { return; }
        auto const stamp = now_.fetch_add(1, std::memory_order_relaxed) + 1;
        while (seen < stamp && !state.stamp.compare_exchange_weak(seen, stamp,
                                                                  std::memory_order_relaxed)) {}
    }

    void insert(frame_no frame, page_id) noexcept {
        touch(frames_[frame]);
        put(held_++, {stamp_of(frame), frame});
        take_back();
    }
    void remove(frame_no frame, page_id) noexcept {
        auto at = place_[index(frame)];
        place_[index(frame)] = nowhere;
        --held_;
        if (at < in_heap_) {
            --in_heap_;
            if (at != in_heap_) {
                put(at, heap_[in_heap_]);
                sink(rise(at));
            }
            at = in_heap_;
        }
        if (at != held_) { put(at, heap_[held_]); }
    }
    [[nodiscard]] bool holds(frame_no frame) const noexcept {
        return place_[index(frame)] != nowhere;
    }

    void in_use(frame_no frame) noexcept { touch(frames_[frame]); }

    void search() noexcept {
        take_back();
        begin_ = now_.load(std::memory_order_relaxed);
    }

    [[nodiscard]] std::optional<frame_no> propose() noexcept {
        while (in_heap_ > 0) {
            auto const [stamp, frame] = heap_[0];
            auto const latest = stamp_of(frame);
            if (latest == stamp || stamp > begin_) {
                --in_heap_;
                swap(0, in_heap_);
                sink(0);
                return frame;
            }
            heap_[0].stamp = latest;
            sink(0);
        }
        return std::nullopt;
    }

private:
    struct node {
        std::uint64_t stamp;
        frame_no frame;
    };
    static constexpr std::uint32_t nowhere = ~std::uint32_t{0};

    [[nodiscard]] std::uint64_t stamp_of(frame_no frame) const noexcept {
        return frames_[frame].stamp.load(std::memory_order_relaxed);
    }
    void put(std::uint32_t at, node one) noexcept {
        heap_[at] = one;
        place_[index(one.frame)] = at;
    }
    void swap(std::uint32_t a, std::uint32_t b) noexcept {
        auto const one = heap_[a];
        put(a, heap_[b]);
        put(b, one);
    }

    /// Candidates and appended frames join the heap.
    void take_back() noexcept {
        while (in_heap_ < held_) { rise(in_heap_++); }
    }
    std::uint32_t rise(std::uint32_t at) noexcept {
        while (at > 0 && heap_[at].stamp < heap_[(at - 1) / 2].stamp) {
            swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
        return at;
    }
    void sink(std::uint32_t at) noexcept {
        for (;;) {
            auto least = at;
            for (std::uint64_t child = 2 * std::uint64_t{at} + 1;
                 child < in_heap_ && child <= 2 * std::uint64_t{at} + 2; ++child) {
                if (heap_[child].stamp < heap_[least].stamp) {
                    least = static_cast<std::uint32_t>(child);
                }
            }
            if (least == at) { return; }
            swap(at, least);
            at = least;
        }
    }

    frame_states<frame_state> frames_;
    fixed_array<node> heap_;  ///< [0, in_heap_) the heap, up to held_ the search's candidates
    fixed_array<std::uint32_t> place_;  ///< of each frame, in heap_
    std::uint32_t in_heap_ = 0;
    std::uint32_t held_ = 0;
    std::uint64_t begin_ = 0;  ///< the counter when the search began
    alignas(64) std::atomic<std::uint64_t> now_{1};  ///< the last stamp given; frames begin with 0
};

static_assert(policy_that_heeds_use<lru>);

}  // namespace quire::inline QUIRE_ABI
