// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_taking: frames taken away from pages that are to be forgotten: all of them, or none.
///
/// For closing, truncating and discarding. Every frame concerned is latched first, by trying (so
/// this waits for nobody who waits for it); one that stays held is errc::in_use, the latches are
/// let go, and no page has lost anything. Only then do the pages go, and changes of them with them.
///
/// The thread itself holds none of them (file_ops expects it, and checked builds look): its own
/// guard would look like another's.
///
/// `moment` is how long a holder counts as passing by: a reader of another file that followed a
/// stale entry, a write-back that is being waited for. It is a guess, and errs towards in_use.

#include <quire/pool/detail/pool_core.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <class Core>
class page_taking : immovable {
public:
    using file_type = typename Core::file_type;
    static constexpr std::chrono::nanoseconds moment = std::chrono::milliseconds{50};

    /// Pages `first` and up of `file`. Expects: none is being loaded, and none will be.
    page_taking(Core& core, file_type& file, std::uint64_t first, unwritten dirty,
                char const* operation)
        : core_{core}, file_{file} {
        for (std::uint32_t i = 0; i < core.frames.headers().size(); ++i) {
            auto const f = static_cast<frame_no>(i);
            auto const id = page_of(f);
            if (id != page_id::none() && id.file() == file.number && id.page().value() >= first) {
                latch(f, id, dirty, operation);
            }
        }
    }
    /// Page `id` alone, which is in frame `f`.
    page_taking(Core& core, file_type& file, frame_no f, page_id id, char const* operation)
        : core_{core}, file_{file} {
        latch(f, id, unwritten::discard, operation);
    }
    ~page_taking() { let_go(); }

    /// The pages are forgotten, and their frames free.
    void finish() noexcept {
        for (auto const f : std::exchange(latched_, {})) {
            auto& frame = core_.frames[f];
            if (frame.written_back(frame.version.load(std::memory_order_relaxed))) {
                file_.dirty.fetch_sub(1, std::memory_order_relaxed);
            }
            core_.supply.take_latched(f, page_of(f), core_.unmap());
            core_.frames.shut(f);
            core_.supply.give_back(f);
        }
    }

private:
    [[nodiscard]] page_id page_of(frame_no f) const noexcept {
        return page_id::from_bits(core_.frames[f].page.load(std::memory_order_acquire));
    }

    void latch(frame_no f, page_id id, unwritten dirty, char const* operation) try {
        auto& frame = core_.frames[f];
        auto const until = deadline_after(moment);
        if (latched_.size() == latched_.capacity()) { latched_.reserve(2 * latched_.size() + 8); }
        while (frame.holds(id)) {
            if (core_.supply.latch_resident(f, id)) {
                if (dirty == unwritten::discard || !frame.dirty()) {
                    latched_.push_back(f);
                    return;
                }
                frame.latch.unlock();
            }
            if (left_until(until) == std::chrono::nanoseconds{0}) {
                throw error{errc::in_use, operation, id};
            }
            std::this_thread::sleep_for(std::chrono::microseconds{20});
        }
    } catch (...) {
        let_go();
        throw;
    }

    void let_go() noexcept {
        for (auto const f : std::exchange(latched_, {})) { core_.frames[f].latch.unlock(); }
    }

    Core& core_;
    file_type& file_;
    std::vector<frame_no> latched_;
};

}  // namespace quire::inline QUIRE_ABI::detail
