// SPDX-License-Identifier: BSL-1.0
#pragma once

/// uring_backend: files and block devices by O_DIRECT, many transfers in flight, by io_uring.
///
/// The one header of quire that needs liburing: link it (`-luring`). It is not part of quire.hpp.
/// Its macros come along: READ, WRITE, BLOCK_SIZE and others of <linux/fs.h>. They are left in
/// place, since a program that includes that header later would miss them.
///
/// Files are those of direct_backend, opened, locked and refused by the same rules; only the
/// transfers differ. A run of neighbouring pages is one request of the ring, and so is a page that
/// travels alone. The arena is registered with the system, where the limit on locked memory allows
/// that: then all of it is in memory from the beginning, and stays there.
///
/// Where the system refuses a ring (seccomp, an old kernel, a limit), transfers are made as
/// direct_backend makes them, one after the other, and `refusal()` is the errno that says why. An
/// option makes that an error of the constructor instead.
///
/// States of a run
///     free --submit--> in the ring --reap--> complete --its last op handed out--> free
///
/// Invariants
///   I1. There are `in_flight_max` records of runs. A run that finds none free is transferred in
///       `submit` itself, and so is one that the ring does not take. So the completion queue, which
///       has room for all records and two interrupts, never overflows.
///   I2. The submission queue is empty whenever the mutex is free: what is put in is submitted, or
///       taken back, before it is unlocked. So an interrupt always finds room.
///   I3. A run that failed, or that moved fewer bytes than it has, is repeated page by page, in
///       `reap`: a bad sector fails no page but its own.
///   I4. What `submit` has written into a record, and into the ops of its run, is seen by the
///       thread that reaps it: by `filled`, since no tool sees the order that the ring gives.
///   I5. At most one interrupt is under way that no reap has seen, and one more while it is taken.
///
/// The system completes a direct transfer in the thread that submitted it, when that thread enters
/// the kernel, or waits in it interruptibly. A thread that sleeps in another way, in a slow call of
/// the program's own, holds back what it has submitted from whoever waits for it. `sync` does not:
/// with transfers in flight it waits by a ring of its own. A thread may end while its transfers are
/// in flight.
///
/// Threads: as file_backend says.
/// Cost: one system call for at most 16 runs; none for a reap that finds something; no allocation
/// after construction. A page that is waited for at once takes longer than by `transfer`.

#include <quire/base/fixed_array.hpp>
#include <quire/io/detail/uring.hpp>
#include <quire/io/direct_backend.hpp>

#include <algorithm>  // std::find, std::iter_swap
#include <atomic>     // std::atomic

namespace quire::inline QUIRE_ABI {

class uring_backend {
public:
    struct options {
        std::uint32_t in_flight_max = 256;  ///< runs of pages, 1 to 4,096
        bool required = false;              ///< the constructor throws if there is no ring
        bool lock_memory = true;            ///< registers the arena, if the system allows that
    };
    using file = direct_backend::file;

    /// Errors: bad_option; open_failed with the errno, if a ring is refused and `required`.
    uring_backend(std::span<std::byte> arena, options const& given)
        : direct_{arena, {}}, runs_{checked(given).in_flight_max} {
        for (auto& one : runs_) { give_back(one); }
        refusal_ = ring_.make(batch_max + interrupts_max, given.in_flight_max + interrupts_max);
        if (refusal_ == 0) {
            if (given.lock_memory) { static_cast<void>(ring_.register_memory(arena)); }
            syncs_.make();
        } else if (given.required) {
            throw error{errc::open_failed, "make an io_uring", page_id::none(), refusal_};
        }
    }

    /// 0: transfers go through a ring. Else the errno of the system's refusal.
    [[nodiscard]] int refusal() const noexcept { return refusal_; }
    /// The option, or 0 if the ring was refused.
    [[nodiscard]] std::size_t in_flight_max() const noexcept {
        return refusal_ == 0 ? runs_.size() : 0;
    }

    /// A descriptor that is readable while an op is complete and not reaped; -1 without a ring.
    /// From now on an interrupt makes it so when a reap leaves some ops of a run behind.
    [[nodiscard]] int completion_handle() noexcept {
        is_watched_.store(true, std::memory_order_seq_cst);
        return refusal_ == 0 ? ring_.native_handle() : -1;
    }

    /// Errors: as direct_backend's.
    [[nodiscard]] file open(open_request const& request) const { return direct_.open(request); }
    [[nodiscard]] file adopt(int fd, open_request const& request) const {
        return direct_.adopt(fd, request);
    }

    std::size_t submit(std::span<io_op<file>*> ops) noexcept {
        if (refusal_ != 0) { return direct_.submit(ops); }
        auto here = ops.begin();  // before it: ops that the ring does not take
        auto const keep = [&](std::span<io_op<file>* const> those) {
            for (auto* each : those) {
                std::iter_swap(here, std::find(here, ops.end(), each));
                ++here;
            }
        };
        for (std::span<io_op<file>* const> rest = ops; !rest.empty();) {
            std::lock_guard const hold{mutex_};
            std::array<run*, batch_max> batch;
            std::size_t staged = 0;
            while (!rest.empty() && staged < batch.size()) {
                auto const neighbours = rest.first(direct_backend::run_length(rest));
                rest = rest.subspan(neighbours.size());
                if (auto* const one = take_free(); one != nullptr) {
                    stage(*one, neighbours);
                    batch[staged++] = one;
                } else {
                    keep(neighbours);
                }
            }
            in_ring_.fetch_add(static_cast<std::int64_t>(staged), std::memory_order_relaxed);
            if (auto const left = ring_.submit(); left > 0) [[unlikely]] {
                in_ring_.fetch_sub(left, std::memory_order_relaxed);
                for (auto* each : std::span{batch}.first(staged).last(left)) {
                    keep(std::span{each->ops}.first(each->length));
                    give_back(*each);
                }
            }
        }
        return direct_.submit({ops.begin(), here});
    }
    void transfer(std::span<io_op<file>*> ops) const noexcept {
        static_cast<void>(direct_.submit(ops));
    }

    std::size_t reap(std::span<io_op<file>*> done, std::chrono::nanoseconds wait) noexcept {
        if (refusal_ != 0) { return 0; }
        std::size_t count = hand_out(done);
        bool const waits = wait > wait.zero() && in_ring_.load(std::memory_order_relaxed) > 0;
        if (waits && count == 0) { ring_.wait(wait); }
        while (count < done.size() && complete_next()) { count += hand_out(done.subspan(count)); }
        if (complete_ != nullptr && is_watched_.load(std::memory_order_relaxed)) { interrupt(); }
        return count;
    }

    void interrupt() noexcept {
        if (refusal_ != 0 || interrupted_.exchange(true, std::memory_order_seq_cst)) { return; }
        std::lock_guard const hold{mutex_};
        ring_.stage_nothing();
        if (ring_.submit() != 0) { interrupted_.store(false, std::memory_order_seq_cst); }
    }

    [[nodiscard]] int sync(file& f) noexcept {
        int error = 0;
        bool const holds_nothing_back = in_ring_.load(std::memory_order_relaxed) <= 0;
        return !holds_nothing_back && syncs_.sync(f.native_handle(), error) ? error
                                                                            : direct_.sync(f);
    }
    [[nodiscard]] int resize(file& f, std::uint64_t bytes) const noexcept {
        return direct_.resize(f, bytes);
    }
    [[nodiscard]] int close(file& f) const noexcept { return direct_.close(f); }

private:
    static constexpr unsigned batch_max = 16;  // a long submit holds others up
    static constexpr unsigned interrupts_max = 2;

    /// Neighbouring pages that travel by one request.
    struct run {
        std::array<io_op<file>*, direct_backend::run_max> ops;
        std::array<::iovec, direct_backend::run_max> parts;
        std::size_t length = 0;      ///< ops
        std::size_t handed_out = 0;  ///< of them
        std::size_t bytes = 0;       ///< of all
        run* next_free = nullptr;
        std::atomic<bool> filled{false};  ///< see I4
    };

    [[nodiscard]] static options const& checked(options const& given) {
        if (given.in_flight_max == 0 || given.in_flight_max > 4096) {
            throw error{errc::bad_option, "make a uring_backend: in_flight_max is 1 to 4,096"};
        }
        return given;
    }

    [[nodiscard]] run* take_free() noexcept {
        std::lock_guard const hold{free_mutex_};
        run* const one = free_;
        if (one != nullptr) { free_ = one->next_free; }
        return one;
    }
    void give_back(run& one) noexcept {
        std::lock_guard const hold{free_mutex_};
        one.next_free = free_;
        free_ = &one;
    }

    /// Puts a request for the run of `ops` into the ring. Expects: the mutex is held.
    void stage(run& one, std::span<io_op<file>* const> ops) noexcept {
        one.length = ops.size();
        one.handed_out = 0;
        one.bytes = 0;
        for (std::size_t i = 0; i < ops.size(); ++i) {
            direct_backend::prepare(*ops[i]);
            one.ops[i] = ops[i];
            one.bytes += ops[i]->bytes.size();
        }
        auto const& first = *ops.front();
        ring_.stage(first.verb, first.file->native_handle(),
                    detail::parts_of(ops, std::span{one.parts}), first.offset, &one);
        one.filled.store(true, std::memory_order_release);
    }

    /// Takes a run that the ring has finished, if there is one. Expects: of the one before every op
    /// has been handed out.
    [[nodiscard]] bool complete_next() noexcept {
        detail::uring::result found;
        while (ring_.take(found, [&](void* of) {
            if (of == nullptr) { interrupted_.store(false, std::memory_order_seq_cst); }
        })) {
            if (found.of == nullptr) { continue; }
            auto& one = *static_cast<run*>(found.of);
            static_cast<void>(one.filled.load(std::memory_order_acquire));
            in_ring_.fetch_sub(1, std::memory_order_relaxed);
            bool const whole =
                found.value >= 0 && static_cast<std::size_t>(found.value) == one.bytes;
            for (std::size_t i = 0; i < one.length; ++i) {
                if (whole) {
                    one.ops[i]->error = 0;
                } else {
                    static_cast<void>(direct_.submit({&one.ops[i], 1}));
                }
            }
            complete_ = &one;
            return true;
        }
        return false;
    }
    /// Hands out what is left of the run that was taken; how many.
    [[nodiscard]] std::size_t hand_out(std::span<io_op<file>*> done) noexcept {
        if (complete_ == nullptr) { return 0; }
        auto& one = *complete_;
        std::size_t count = 0;
        while (count < done.size() && one.handed_out < one.length) {
            done[count++] = one.ops[one.handed_out++];
        }
        if (one.handed_out == one.length) {
            complete_ = nullptr;
            give_back(one);
        }
        return count;
    }

    direct_backend direct_;
    fixed_array<run> runs_;
    std::mutex free_mutex_;
    run* free_ = nullptr;  // guarded by the mutex before it
    std::mutex mutex_;     // of the submission queue
    detail::uring ring_;
    detail::sync_rings syncs_;
    run* complete_ = nullptr;  // the reaper's
    std::atomic<std::int64_t> in_ring_{0};
    std::atomic<bool> interrupted_{false};
    std::atomic<bool> is_watched_{false};  ///< by an event loop
    int refusal_ = 0;
};

static_assert(adopting_backend<uring_backend>);
static_assert(blocking_backend<uring_backend>);

}  // namespace quire::inline QUIRE_ABI
