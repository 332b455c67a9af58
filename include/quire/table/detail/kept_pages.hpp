// SPDX-License-Identifier: BSL-1.0
#pragma once

/// kept_pages: for each thread the page that its last row went into, and its next one shall.
///
/// There are 64 places, and a thread has one of them by its address. One that finds another's page
/// in its place has kept nothing: that page may be in a change of the other thread, and whoever
/// took it would wait for that. One that keeps a page there puts the other's out.
///
/// Threads: any. Cost: `take` and `keep` are one exchange each in a cache line that is the thread's
/// alone, unless another one has the same place.

#include <quire/base/immovable.hpp>
#include <quire/base/page_id.hpp>

#include <array>     // std::array
#include <atomic>    // std::atomic
#include <optional>  // std::optional

namespace quire::inline QUIRE_ABI::detail {

class kept_pages : immovable {
public:
    struct page {
        page_no no;
        bool may_be_undone = false;  ///< what was put there

        friend bool operator==(page const&, page const&) = default;
    };

    /// What tells this thread from others.
    [[nodiscard]] static std::uintptr_t this_thread() noexcept {
        return reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
    }

    /// The page that `thread` kept, and does no more.
    [[nodiscard]] std::optional<page> take(std::uintptr_t thread) noexcept {
        auto& mine = place_of(thread);
        auto now = mine.load(std::memory_order_relaxed);
        if (now == nothing || (now & tag_bits) != tag_of(thread)) { return std::nullopt; }
        if (!mine.compare_exchange_strong(now, nothing, std::memory_order_relaxed)) {
            return std::nullopt;  // put out meanwhile
        }
        return page_in(now);
    }
    /// What is put out for it: a page of this thread, or of another.
    std::optional<page> keep(std::uintptr_t thread, page const& one) noexcept {
        auto const bits = (one.no.value() << 16) | (std::uint64_t{one.may_be_undone} << 15);
        return taken_from(place_of(thread), bits | tag_of(thread));
    }
    /// A page of which `is(page)` is true, whoever kept it, and does no more.
    template <class Is>
    [[nodiscard]] std::optional<page> take_one(Is is) {
        for (auto& one : places_) {
            auto now = one.bits.load(std::memory_order_relaxed);
            if (now != nothing && is(page_in(now)) &&
                one.bits.compare_exchange_strong(now, nothing, std::memory_order_relaxed)) {
                return page_in(now);
            }
        }
        return std::nullopt;
    }
    /// `fn(page)` for each one that is kept, and then is no more.
    template <class Fn>
    void take_all(Fn fn) {
        for (auto& one : places_) {
            if (auto const kept = taken_from(one.bits, nothing)) { fn(*kept); }
        }
    }

private:
    /// 48 bits of page, 1 of `may_be_undone`, 15 of thread. No page has all bits set.
    using place_type = std::atomic<std::uint64_t>;
    static constexpr std::uint64_t nothing = ~std::uint64_t{0};
    static constexpr std::uint64_t tag_bits = (std::uint64_t{1} << 15) - 1;
    struct alignas(64) place {
        place_type bits{nothing};
    };

    [[nodiscard]] static std::uint64_t mixed(std::uintptr_t thread) noexcept {
        return thread * 0x9E3779B97F4A7C15ULL;
    }
    [[nodiscard]] place_type& place_of(std::uintptr_t thread) noexcept {
        return places_[mixed(thread) >> 58].bits;
    }
    [[nodiscard]] static std::uint64_t tag_of(std::uintptr_t thread) noexcept {
        return (mixed(thread) >> 43) & tag_bits;
    }
    [[nodiscard]] static page page_in(std::uint64_t bits) noexcept {
        return {bits >> 16, (bits & (tag_bits + 1)) != 0};
    }
    [[nodiscard]] static std::optional<page> taken_from(place_type& from,
                                                        std::uint64_t next) noexcept {
        auto const before = from.exchange(next, std::memory_order_relaxed);
        return before == nothing ? std::nullopt : std::optional{page_in(before)};
    }

    std::array<place, 64> places_;
};

}  // namespace quire::inline QUIRE_ABI::detail
