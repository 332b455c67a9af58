// SPDX-License-Identifier: BSL-1.0
#pragma once

/// frame_table: where frames and their headers are, and the only way into a frame's bytes.
///
/// `frame_memory` owns both; a `frame_table` is three words that every part of the pool has a copy
/// of, so that a hit finds a header without following a reference to it.
///
/// An access that has the latch is let in here: the page is compared, and the bytes are unpoisoned
/// for the address sanitizer. Each access ends here too, and poisons them again. (States and
/// invariants: pool/frame.hpp.)
///
/// Poisoning: a frame without a guard is poisoned. An exclusive access poisons under its latch when
/// it ends. A shared one does not know whether it is the last: it takes the latch once more,
/// without waiting, and poisons only if it got it and the frame still holds the same page (the
/// bytes of a private frame belong to another thread). So a second reader keeps the frame open: the
/// blind spot of this net.

#include <quire/base/fixed_array.hpp>
#include <quire/base/poison.hpp>
#include <quire/pool/detail/latch_mode.hpp>
#include <quire/memory/arena.hpp>
#include <quire/pool/frame.hpp>

namespace quire::inline QUIRE_ABI::detail {

/// The arena and the frames' headers. The arena has a page more than there are frames: the spare.
template <std::size_t PageSize, class Frame>
class frame_memory {
public:
    /// Errors: errc::out_of_memory, std::bad_alloc.
    frame_memory(std::size_t frames, huge_pages huge)
        : arena_{frames + 1, PageSize, huge}, headers_{frames} {
        poison(arena_.bytes());
    }

    [[nodiscard]] arena const& memory() const noexcept { return arena_; }
    [[nodiscard]] std::span<Frame> headers() noexcept {
        return {headers_.data(), headers_.size()};
    }

private:
    arena arena_;
    fixed_array<Frame> headers_;
};

template <std::size_t PageSize, class Frame>
class frame_table {
public:
    using memory_type = frame_memory<PageSize, Frame>;
    using bytes_type = std::span<std::byte, PageSize>;

    /// A frame and its header, looked up once for an access: after an atomic operation the compiler
    /// would look it up again.
    struct place {
        Frame* header = nullptr;
        std::size_t index = 0;

        [[nodiscard]] frame_no number() const noexcept { return static_cast<frame_no>(index); }
    };

    explicit frame_table(memory_type& of) noexcept
        : first_{of.memory().bytes().data()},
          headers_{of.headers().data()},
          size_{of.headers().size()} {}

    [[nodiscard]] Frame& operator[](frame_no f) const noexcept { return headers_[index(f)]; }
    [[nodiscard]] std::span<Frame> headers() const noexcept { return {headers_, size_}; }
    [[nodiscard]] bytes_type bytes(frame_no f) const noexcept { return bytes(at(f)); }
    [[nodiscard]] bytes_type bytes(place const& at) const noexcept {
        return bytes_type{first_ + at.index * PageSize, PageSize};
    }

    /// The page of the arena that is no frame, for page_writer.
    [[nodiscard]] bytes_type spare() const noexcept {
        return bytes_type{first_ + size_ * PageSize, PageSize};
    }

    [[nodiscard]] place at(frame_no f) const noexcept { return {&(*this)[f], index(f)}; }

    /// Begins the access to page `id` of a thread that has latched the frame. False, and the latch
    /// is released, when the frame holds another page.
    template <access Mode>
    [[nodiscard, gnu::always_inline]] bool begin_access(place const& at,
                                                        page_id id) const noexcept {
        if (!at.header->holds(id)) [[unlikely]] {
            unlatch<Mode>(at.header->latch);
            return false;
        }
        quire::unpoison(bytes(at));
        return true;
    }

    /// Ends the access to page `id`, and unlatches.
    template <access Mode>
    [[gnu::always_inline]] void end_access(place const& at, page_id id) const noexcept {
        if constexpr (Mode == access::exclusive) {
            quire::poison(bytes(at));
            at.header->latch.unlock();
        } else {
            at.header->latch.unlock_shared();
            if constexpr (poisoning) { poison_if_alone(at, id); }
        }
    }

    /// For the thread that has the frame to itself.
    void unpoison(frame_no f) const noexcept { quire::unpoison(bytes(f)); }
    void poison(frame_no f) const noexcept { quire::poison(bytes(f)); }

private:
    void poison_if_alone(place const& at, page_id id) const noexcept {
        if (!at.header->latch.try_lock()) { return; }
        if (at.header->holds(id)) { quire::poison(bytes(at)); }
        at.header->latch.unlock();
    }

    std::byte* first_;  // of the arena
    Frame* headers_;
    std::size_t size_;
};

}  // namespace quire::inline QUIRE_ABI::detail
