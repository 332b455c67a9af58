// SPDX-License-Identifier: BSL-1.0
#pragma once

/// read_ahead: reads that begin before a thread waits for their pages.
///
///   start      claims what is not resident, takes the frames that are at hand, submits the reads;
///              waits for nothing, and writes nothing back
///   complete   by the thread that finishes the read: page_loader checks and publishes
///
/// A read that was started belongs to the pool: it ends by itself, as a resident page or as nothing
/// at all, whatever becomes of the thread that wanted it. A reader that will come for the page may
/// leave a waiter (load_waiters.hpp): it gets the frame pinned, or the error.
///
/// A backend that completes every transfer in `submit` has no transfers in flight: each read would
/// be waited for. There, only pages that have a neighbour in the batch are read, by one call a run.
///
/// Invariants
///   I1. A read has a record from its claim to its end. There are an eighth as many as frames, at
///       most 256 (and at least 2): so reads ahead have at most that many frames.
///   I2. Nothing but `complete` takes a frame from its read. The record is given back after the
///       page is published, the file's use ends last: close waits for that.
///   I3. Page, entry, pins and announcement: as page_loader.hpp says. Without a frame the claim is
///       withdrawn, and those who wait for the page try for themselves.
///   I4. Streams together look ahead by no more than an eighth of the frames: what they hold pinned
///       for their readers, or are about to.
///
/// Threads: any. Cost: nothing is allocated.

#include <quire/pool/detail/page_loader.hpp>
#include <quire/pool/detail/sort_ascending.hpp>

namespace quire::inline QUIRE_ABI::detail {

/// A page that will be asked for, and who waits for it, if anybody does.
struct wanted_page {
    page_id page{};
    load_waiters::waiter* reader = nullptr;  ///< takes part in the load when there is one

    friend bool operator<(wanted_page const& a, wanted_page const& b) noexcept {
        return a.page < b.page;
    }
};

/// Reads for which nobody gives frames of his own.
inline constexpr auto recycle_none = [](std::span<page_place>) noexcept {
    return std::size_t{0};
};

template <class Types>
class read_ahead : immovable {
public:
    using file_type = typename Types::file_type;
    static constexpr std::size_t batch_max = Types::transfers_type::batch_max;  // pages

    read_ahead(std::size_t frames, std::size_t in_flight_max,
               typename Types::transfers_type& transfers, residency<Types>& resident,
               evictor<Types>& frame_source, page_loader<Types>& loader,
               pool_observer const& observer)
        : looks_ahead_max_{frames / 8},
          overlaps_{in_flight_max > 0},
          records_(frames < 16 ? 2 : frames > 8 * records_max ? records_max : frames / 8),
          transfers_{transfers},
          resident_{resident},
          evictor_{frame_source},
          loader_{loader},
          observer_{observer} {
        for (auto& one : records_) {
            one.home = this;
            give_back(one);
        }
    }

    /// Whether reads are in flight while a thread goes on.
    [[nodiscard]] bool overlaps() const noexcept { return overlaps_; }

    /// Whether the page is neither resident nor being read, as far as a look tells.
    [[nodiscard]] static bool is_absent(file_type const& file, page_id id) noexcept {
        return file.has_page(id.page()) &&
               file.pages->load(id.page()) == page_table::entry::absent();
    }

    struct outcome {
        std::size_t begun;          ///< reads
        std::size_t without_frame;  ///< reads that did not begin, since no frame was at hand
        std::size_t joined;         ///< readers that take part in a load, whoever began it
    };
    /// Starts the reads of those of `pages`, sorted, of one file and at most batch_max, that are
    /// neither resident nor being read. A reader that has joined, and its page, may be gone when
    /// this returns. `recycle`: see evictor::take_at_hand.
    template <class Recycle>
    outcome start(file_type& file, std::span<wanted_page const> pages, Recycle recycle) noexcept {
        transfers_.reap_complete();
        std::array<record*, batch_max> begun;
        std::size_t count = 0;
        for (std::size_t i = 0; i < pages.size(); ++i) {
            auto const& one = pages[i];
            if (is_absent(file, one.page) &&
                (overlaps_ || (count > 0 && are_neighbours(begun[count - 1]->load->id, one.page)) ||
                 (i + 1 < pages.size() && are_neighbours(one.page, pages[i + 1].page) &&
                  is_absent(file, pages[i + 1].page)))) {
                if (auto* const found = begin(file, one.page)) { begun[count++] = found; }
            }
        }
        std::array<frame_no, batch_max> frames;
        auto const got = evictor_.take_at_hand(file, std::span{frames}.first(count), recycle);
        for (auto* const one : std::span{begun}.first(count).subspan(got)) { withdraw(*one); }
        auto const joined = join(file, pages);
        std::array<op_type*, batch_max> ops;
        for (std::size_t i = 0; i < got; ++i) {
            auto& load = *begun[i]->load;
            observer_.tell(observer_.on_miss, load.id);
            load.frame = frames[i];
            loader_.prepare_read(load);
            load.read.owner = begun[i];
            begun[i]->expect(1);
            ops[i] = &load.read;
        }
        transfers_.start(std::span{ops}.first(got));
        return {got, count - got, joined};
    }

    /// How many pages a stream may look ahead by, while this lives: at most as many as it wants.
    /// Each leaves at least as many as it takes.
    class grant : immovable {
    public:
        grant(read_ahead& from, std::size_t wanted) noexcept
            : from_{from}, pages_{from.take_of_looks(wanted)} {}
        ~grant() { from_.looks_ahead_.fetch_sub(pages_, std::memory_order_relaxed); }

        [[nodiscard]] std::size_t pages() const noexcept { return pages_; }

    private:
        read_ahead& from_;
        std::size_t const pages_;
    };
    /// Pages that streams may look ahead by now.
    [[nodiscard]] std::size_t granted() const noexcept {
        return looks_ahead_.load(std::memory_order_relaxed);
    }

private:
    static constexpr std::size_t records_max = 256;
    static_assert(batch_max <= evictor<Types>::at_hand_max);
    using op_type = typename Types::transfers_type::op_type;

    struct record : transfer_owner {
        record() noexcept
            : transfer_owner{0, [](transfer_owner& owner) noexcept {
                  auto& self = static_cast<record&>(owner);
                  self.home->complete(self);
              }} {}
        std::optional<page_load<Types>> load;
        read_ahead* home = nullptr;
        record* next_free = nullptr;
    };

    [[nodiscard]] std::size_t take_of_looks(std::size_t wanted) noexcept {
        auto taken = looks_ahead_.load(std::memory_order_relaxed);
        for (;;) {
            auto const half = (looks_ahead_max_ - taken + 1) / 2;
            auto const granted = wanted < half ? wanted : half;
            if (looks_ahead_.compare_exchange_weak(taken, taken + granted,
                                                   std::memory_order_relaxed)) {
                return granted;
            }
        }
    }

    [[nodiscard]] static bool are_neighbours(page_id a, page_id b) noexcept {
        return a.page().value() + 1 == b.page().value();
    }

    /// A record with the claim of page `id`, or null: there is no record, the file is being closed
    /// or has become shorter, or another thread was first.
    [[nodiscard]] record* begin(file_type& file, page_id id) noexcept {
        auto* const one = take();
        if (one == nullptr) { return nullptr; }
        bool const allowed = file.begin_use() && file.number == id.file();
        auto& load = one->load.emplace(file, id);
        if (allowed && resident_.claim(file, id, load.claim)) {
            if (id.page().value() < file.page_count.load(std::memory_order_seq_cst)) { return one; }
            resident_.withdraw(file, id);
        }
        end(*one);
        return nullptr;
    }
    void withdraw(record& one) noexcept {
        resident_.withdraw(one.load->file, one.load->id);
        end(one);
    }
    void complete(record& one) noexcept {
        static_cast<void>(loader_.finish_load(*one.load, [](auto&) {}, arrival::ahead));
        transfers_.frame_changed();
        end(one);
    }
    /// See I2.
    void end(record& one) noexcept {
        auto& file = one.load->file;
        one.load.reset();
        give_back(one);
        file.end_use();
    }

    [[nodiscard]] std::size_t join(file_type const& file,
                                   std::span<wanted_page const> pages) noexcept {
        std::size_t count = 0;
        for (auto const& one : pages) {
            if (one.reader != nullptr && resident_.join(file, one.page, *one.reader)) { ++count; }
        }
        return count;
    }

    [[nodiscard]] record* take() noexcept {
        std::lock_guard const hold{mutex_};
        return free_ == nullptr ? nullptr : std::exchange(free_, free_->next_free);
    }
    void give_back(record& one) noexcept {
        std::lock_guard const hold{mutex_};
        one.next_free = std::exchange(free_, &one);
    }

    std::size_t const looks_ahead_max_;  ///< pages
    std::atomic<std::size_t> looks_ahead_{0};
    bool const overlaps_;
    fixed_array<record> records_;
    std::mutex mutex_;  // of the free records
    record* free_ = nullptr;
    typename Types::transfers_type& transfers_;
    residency<Types>& resident_;
    evictor<Types>& evictor_;
    page_loader<Types>& loader_;
    pool_observer const& observer_;
};

}  // namespace quire::inline QUIRE_ABI::detail
