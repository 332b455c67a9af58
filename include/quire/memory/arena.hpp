// SPDX-License-Identifier: BSL-1.0
#pragma once

/// arena: the frames, side by side in one aligned mapping.
///
/// A frame holds one page at a time. Frame `f` begins at `f * frame_size`. The arena begins at a
/// multiple of 2 MiB, so every frame is aligned to its own size, as O_DIRECT and every device
/// require, and the kernel can back the arena with huge pages.
///
/// Huge pages save TLB misses on random hits; they cost memory in steps of 2 MiB.
/// `huge_pages::off` keeps small pages (some systems account or compact huge ones badly).
///
/// Invariants
///   I1. Frames never move, and none overlaps another.
///   I2. A frame that was never touched reads as zeros.
/// Lifetime: everything the pool lends points into its arena and must end before the arena does.

#include <quire/memory/mapping.hpp>
#include <quire/base/poison.hpp>

#include <limits>  // std::numeric_limits

namespace quire::inline QUIRE_ABI {

/// Whether the arena requests huge pages, or forbids them.
enum class huge_pages : std::uint8_t { on, off };

class arena {
public:
    /// Frames of an arena: two values of a 32-bit page table entry mean something else.
    static constexpr std::uint32_t frames_max = std::numeric_limits<std::uint32_t>::max() - 2;

    /// Errors: errc::out_of_memory; errc::bad_option when there is no frame or they are too many.
    arena(std::size_t frames, std::size_t frame_size, huge_pages wanted)
        : frame_size_{frame_size}, memory_{checked(frames) * frame_size, huge, after_fork::absent} {
        auto const all = memory_.bytes();
        static_cast<void>(::madvise(all.data(), all.size(),
                                    wanted == huge_pages::on ? MADV_HUGEPAGE : MADV_NOHUGEPAGE));
    }
    arena(arena const&) = delete;
    arena& operator=(arena const&) = delete;
    ~arena() { unpoison(memory_.bytes()); }  // the address range may be given out again

    [[nodiscard]] std::span<std::byte> frame(frame_no f) const noexcept {
        return memory_.bytes().subspan(std::size_t{index(f)} * frame_size_, frame_size_);
    }
    [[nodiscard]] std::span<std::byte> bytes() const noexcept { return memory_.bytes(); }
    [[nodiscard]] bool contains(void const* at) const noexcept {
        auto const all = memory_.bytes();
        auto const address = reinterpret_cast<std::uintptr_t>(at);
        auto const first = reinterpret_cast<std::uintptr_t>(all.data());
        return address >= first && address - first < all.size();
    }
    /// Whether this process is a forked child of the arena's. See mapping.
    [[nodiscard]] bool inherited() const noexcept { return memory_.inherited(); }

private:
    static constexpr std::size_t huge = std::size_t{2} << 20;

    [[nodiscard]] static std::size_t checked(std::size_t frames) {
        if (frames == 0 || frames > frames_max) {
            throw error{errc::bad_option, "make an arena: frames are between 1 and 2^32 - 3"};
        }
        return frames;
    }

    std::size_t frame_size_;
    mapping memory_;
};

}  // namespace quire::inline QUIRE_ABI
