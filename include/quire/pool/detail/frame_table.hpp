// SPDX-License-Identifier: BSL-1.0
#pragma once

/// frame_table: arena and frame headers together, and the only way into a frame's bytes.
///
/// Every entrance is here, guards' and the pool's own: it takes the latch, compares the page, and
/// opens the bytes to the address sanitizer; every exit closes them again. (States and invariants:
/// pool/frame.hpp.)
///
/// Poisoning: a frame without a guard is poisoned. Who leaves exclusively poisons under its latch.
/// Who leaves shared does not know whether it was the last: it takes the latch once more, without
/// waiting, and poisons only if it got it and the frame still holds the same page (a frame in hand
/// is nobody else's). So a second reader keeps the frame open: the blind spot of this net.

#include <quire/memory/arena.hpp>
#include <quire/pool/frame.hpp>

#include <algorithm>  // std::min
#include <memory>     // std::unique_ptr
#include <thread>     // std::this_thread::sleep_for

namespace quire::inline QUIRE_ABI::detail {

/// How a page is latched.
enum class access : std::uint8_t { shared, exclusive };

using deadline = std::chrono::steady_clock::time_point;

/// `wait` from now, or the end of time when that is later.
[[nodiscard]] inline deadline deadline_after(std::chrono::nanoseconds wait) noexcept {
    auto const now = std::chrono::steady_clock::now();
    return wait < deadline::max() - now ? now + wait : deadline::max();
}

[[nodiscard]] inline std::chrono::nanoseconds left_until(deadline until) noexcept {
    return std::max(std::chrono::nanoseconds{0},
                    std::chrono::nanoseconds{until - std::chrono::steady_clock::now()});
}

template <access Mode, page_latch Latch>
[[nodiscard]] bool try_latch(Latch& latch) noexcept {
    if constexpr (Mode == access::shared) {
        return latch.try_lock_shared();
    } else {
        return latch.try_lock();
    }
}

template <access Mode, page_latch Latch>
void unlatch(Latch& latch) noexcept {
    if constexpr (Mode == access::shared) {
        latch.unlock_shared();
    } else {
        latch.unlock();
    }
}

/// Waits at most `wait` for the latch. A latch without timed waiting is polled.
template <access Mode, page_latch Latch>
[[nodiscard]] bool latch_within(Latch& latch, std::chrono::nanoseconds wait) noexcept {
    if constexpr (timed_latch<Latch>) {
        return Mode == access::shared ? latch.try_lock_shared_for(wait) : latch.try_lock_for(wait);
    } else {
        deadline const until = deadline_after(wait);
        std::chrono::nanoseconds pause = std::chrono::microseconds{1};
        while (!try_latch<Mode>(latch)) {
            auto const left = left_until(until);
            if (left == left.zero()) { return false; }
            std::this_thread::sleep_for(std::min(pause, left));
            pause = std::min<std::chrono::nanoseconds>(2 * pause, std::chrono::milliseconds{1});
        }
        return true;
    }
}

template <std::size_t PageSize, class Frame>
class frame_table {
public:
    using bytes_type = std::span<std::byte, PageSize>;

    /// A frame and its header, looked up once for an access: after an atomic operation the compiler
    /// would look it up again.
    struct place {
        Frame* header;
        std::size_t index;

        [[nodiscard]] frame_no number() const noexcept { return static_cast<frame_no>(index); }
    };

    frame_table(std::size_t frames, huge_pages huge)
        : arena_{frames, PageSize, huge},
          first_{arena_.bytes().data()},
          headers_{make_headers(frames)},
          size_{frames} {
        poison(arena_.bytes());
    }

    [[nodiscard]] Frame& operator[](frame_no f) const noexcept { return headers_[index(f)]; }
    [[nodiscard]] std::span<Frame> headers() const noexcept { return {headers_.get(), size_}; }
    [[nodiscard]] arena const& memory() const noexcept { return arena_; }
    [[nodiscard]] bytes_type bytes(frame_no f) const noexcept { return bytes(at(f)); }
    [[nodiscard]] bytes_type bytes(place const& at) const noexcept {
        return bytes_type{first_ + at.index * PageSize, PageSize};
    }

    [[nodiscard]] place at(frame_no f) const noexcept { return {&(*this)[f], index(f)}; }

    /// Latches a frame if that needs no waiting and it holds `id`.
    template <access Mode>
    [[nodiscard]] bool try_enter(place const& at, page_id id) const noexcept {
        return try_latch<Mode>(at.header->latch) && entered<Mode>(at, id);
    }
    /// The same, waiting at most `wait`.
    template <access Mode>
    [[nodiscard]] bool enter_within(place const& at, page_id id,
                                    std::chrono::nanoseconds wait) const noexcept {
        return latch_within<Mode>(at.header->latch, wait) && entered<Mode>(at, id);
    }

    /// Unlatches a frame, which holds `id`.
    template <access Mode>
    void leave(place const& at, page_id id) const noexcept {
        if constexpr (Mode == access::exclusive) {
            poison(bytes(at));
            at.header->latch.unlock();
        } else {
            at.header->latch.unlock_shared();
            if constexpr (poisoning) { poison_if_alone(at, id); }
        }
    }

    /// Opens the bytes of a frame in hand; `shut` closes them.
    void open(frame_no f) const noexcept { unpoison(bytes(f)); }
    void shut(frame_no f) const noexcept { poison(bytes(f)); }

private:
    [[nodiscard]] static std::unique_ptr<Frame[]> make_headers(std::size_t frames) {
        try {
            return std::make_unique<Frame[]>(frames);
        } catch (std::bad_alloc const&) {
            throw error{errc::out_of_memory, "make frame headers"};
        }
    }

    template <access Mode>
    [[nodiscard]] bool entered(place const& at, page_id id) const noexcept {
        if (!at.header->holds(id)) [[unlikely]] {
            unlatch<Mode>(at.header->latch);
            return false;
        }
        unpoison(bytes(at));
        return true;
    }

    void poison_if_alone(place const& at, page_id id) const noexcept {
        if (!at.header->latch.try_lock()) { return; }
        if (at.header->holds(id)) { poison(bytes(at)); }
        at.header->latch.unlock();
    }

    arena arena_;
    std::byte* first_;  // of the arena
    std::unique_ptr<Frame[]> headers_;
    std::size_t size_;
};

}  // namespace quire::inline QUIRE_ABI::detail
