// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_loader: a miss: claim the entry, take a frame, read, check, publish.
///
///   begin_load    claims the entry, then takes a frame, and makes the read ready to be submitted.
///                 A thread that does not get the claim has evicted nothing, and waits
///   (the read)    by transfers.hpp; the frame is private, and under DMA
///   finish_load   checks what was read, then publishes the page or withdraws the claim; in the
///                 thread that began or in another one, with no lock held. It does not throw
///
/// Reads ahead of need begin and end in read_ahead.hpp, by the same parts.
///
/// Order of finish_load: bytes; `page`; then, in one step under the mutex of those that wait, entry
/// and announcement; the policy; last the file's use, which close waits for. A frame under DMA is
/// given back only here.
///
/// A thread that loads for itself latches the frame before it publishes, when that needs no waiting
/// (it nearly never does: only a visitor with a stale entry could be there), so that the page is
/// not evicted before the thread has seen it.
///
/// A failed load reaches the threads that waited for it only if the read or the check failed;
/// otherwise they try for themselves.

#include <quire/pool/detail/evictor.hpp>
#include <quire/pool/detail/reasons.hpp>

#include <cstring>  // std::memset

namespace quire::inline QUIRE_ABI::detail {

/// One load from its beginning to its end.
template <class Types>
struct page_load : immovable {
    page_load(typename Types::file_type& of, page_id page) noexcept : file{of}, id{page} {}

    typename Types::file_type& file;
    page_id const id;
    load_waiters::claimed claim{};
    frame_no frame{};
    typename Types::transfers_type::transfer_type read{};
};

template <class Types>
class page_loader : immovable {
public:
    using file_type = typename Types::file_type;
    using load_type = page_load<Types>;

    page_loader(typename Types::frames_type frames, residency<Types>& resident,
                evictor<Types>& frame_source, typename Types::transfers_type& transfers,
                pool_observer const& observer) noexcept
        : frames_{frames},
          resident_{resident},
          evictor_{frame_source},
          transfers_{transfers},
          observer_{observer} {}

    /// Loads page `id`, and returns its frame if it could be latched at once; otherwise look again.
    /// Errors: in_use, page_out_of_range, those of a frame, of the read and of the check.
    template <access Mode>
    [[nodiscard]] std::optional<frame_no> load(file_type& file, page_id id,
                                               access_options const& how, char const* operation) {
        file_use const use{file, id.file()};
        if (!use.allowed()) { throw file.failure(errc::in_use, operation, id, 0, being_closed); }
        load_type load{file, id};
        if (!begin_load(load, how.budget, operation)) { return std::nullopt; }
        transfers_.run({&load.read, 1});
        bool latched = false;
        auto const failure =
            finish_load(load, [&](auto& frame) { latched = try_latch<Mode>(frame.latch); });
        if (failure.happened()) { throw file.failure(failure.code, "read", id, failure.system); }
        return latched ? std::optional{load.frame} : std::nullopt;
    }

    /// Whether this thread has the page to load; if not, another thread has. When it throws, the
    /// claim is withdrawn. Expects: the file is in use until the load is finished.
    [[nodiscard]] bool begin_load(load_type& load, frame_budget* budget,
                                  char const* operation = "read") {
        if (!resident_.claim(load.file, load.id, load.claim)) { return false; }
        observer_.tell(observer_.on_miss, load.id);
        try {
            require_still_there(load.file, load.id, operation);
            load.frame = evictor_.take(&load.file, budget);
        } catch (...) {
            resident_.withdraw(load.file, load.id);
            throw;
        }
        prepare_read(load);
        return true;
    }
    /// Expects: the load has its frame.
    void prepare_read(load_type& load) const noexcept {
        frames_.unpoison(load.frame);
        load.read = {{io_verb::read, &*load.file.file,
                      *byte_offset(load.id.page(), Types::page_size), frames_.bytes(load.frame)}};
    }

    /// Expects: the read is complete. `before_publishing(frame)` may latch the frame.
    template <class BeforePublishing>
    [[nodiscard]] load_failure finish_load(load_type& load, BeforePublishing before_publishing,
                                           arrival how = arrival::asked_for) noexcept {
        file_counters::add(load.file.counters.misses);
        auto const failure = judge(load);
        if (failure.happened()) {
            std::memset(frames_.bytes(load.frame).data(), 0, Types::page_size);
            evictor_.give_back(load.file, load.frame);
            resident_.withdraw(load.file, load.id, failure);
            return failure;
        }
        auto& frame = frames_[load.frame];
        frame.reset();
        if (how == arrival::ahead) { frames_.poison(load.frame); }  // nobody has a guard
        before_publishing(frame);
        resident_.publish(load.file, load.id, load.frame, how);
        return failure;
    }

private:
    /// What is wrong with the bytes that were read, if anything is.
    [[nodiscard]] load_failure judge(load_type const& load) const noexcept {
        if (load.read.error == io_ended) { return {errc::short_read}; }
        if (load.read.error != 0) { return {errc::read_failed, load.read.error}; }
        switch (load.file.check(frames_.bytes(load.frame), load.id)) {
            case page_state::good: return {};
            case page_state::blank:
                return load.file.shows_blank_pages ? load_failure{}
                                                   : load_failure{errc::blank_page};
            case page_state::corrupt: break;
        }
        return {errc::corrupt_page};
    }

    typename Types::frames_type frames_;
    residency<Types>& resident_;
    evictor<Types>& evictor_;
    typename Types::transfers_type& transfers_;
    pool_observer const& observer_;
};

}  // namespace quire::inline QUIRE_ABI::detail
