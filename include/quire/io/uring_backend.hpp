// SPDX-License-Identifier: BSL-1.0
#pragma once

/// uring_backend: files and block devices by O_DIRECT, many transfers in flight, by io_uring.
///
/// The one header of quire that needs liburing: link it (`-luring`). Files are those of
/// direct_backend, opened, locked and refused by the same rules; only the transfers differ. A run
/// of neighbouring pages is one request of the ring, and so is a page that travels alone.
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
///       `submit` itself. So the completion queue, which has room for all records and one
///       interrupt, never overflows.
///   I2. The submission queue is empty whenever the mutex is free: what is put in is submitted
///       before it is unlocked. So an interrupt always finds room.
///   I3. A run that failed, or that moved fewer bytes than it has, is repeated page by page, in
///       `reap`: a bad sector fails no page but its own. So is one that the ring did not take.
///   I4. What `submit` has written into a record, and into the ops of its run, is seen by the
///       thread that reaps it: by `armed`, since no tool sees the order that the ring gives.
///
/// The system completes a direct transfer in the thread that submitted it, when that thread enters
/// the kernel, or waits in it interruptibly. A thread that sleeps in another way, in a slow call of
/// the program's own, holds back what it has submitted from whoever waits for it. `sync` does not:
/// it waits by a ring of its own.
///
/// Threads: as file_backend says.
/// Cost: one system call for at most 16 runs; none for a reap that finds something; no allocation
/// after construction. A transfer of one page, waited for at once, takes longer than a pread.

#include <quire/base/fixed_array.hpp>
#include <quire/io/direct_backend.hpp>

#include <atomic>  // std::atomic
#include <mutex>   // std::mutex

#include <liburing.h>
#include <sched.h>  // sched_yield

namespace quire::inline QUIRE_ABI {

namespace detail {

/// A ring of the system's, unmade at first.
class uring : immovable {
public:
    uring() noexcept = default;
    ~uring() {
        if (made_) { ::io_uring_queue_exit(&ring_); }
    }

    /// Room for `staged` requests that are put in before a submit, and for `results` that have not
    /// been taken. 0 or an errno.
    [[nodiscard]] int make(unsigned staged, unsigned results) noexcept {
        ::io_uring_params wishes{};
        wishes.flags = IORING_SETUP_CQSIZE;
        wishes.cq_entries = results;
        if (int const failed = ::io_uring_queue_init_params(staged, &ring_, &wishes); failed < 0) {
            return -failed;
        }
        made_ = true;
        // Waiting with a limit takes no request, so it needs no mutex (Linux 5.11).
        return (wishes.features & IORING_FEAT_EXT_ARG) != 0 ? 0 : ENOSYS;
    }
    [[nodiscard]] bool made() const noexcept { return made_; }

    /// The memory of all transfers, which the system then need not look up for each. May be
    /// refused, by a limit on locked memory. Parts of 1 GiB, which is the most that it takes.
    [[nodiscard]] bool register_memory(std::span<std::byte> memory) noexcept {
        std::array<::iovec, parts_max> parts;
        std::size_t count = 0;
        for (auto rest = memory; !rest.empty(); ++count) {
            if (count == parts.size()) { return false; }
            auto const part = rest.first(rest.size() < part_size ? rest.size() : part_size);
            parts[count] = {part.data(), part.size()};
            rest = rest.subspan(part.size());
        }
        return count > 0 && ::io_uring_register_buffers(&ring_, parts.data(),
                                                        static_cast<unsigned>(count)) == 0;
    }
    static constexpr std::size_t part_size = std::size_t{1} << 30;

    /// A request to be filled in. Expects: `submit` was called before there were too many.
    [[nodiscard]] ::io_uring_sqe& next() noexcept { return *::io_uring_get_sqe(&ring_); }

    /// Hands the requests over; how many are left that the system does not take.
    [[nodiscard]] unsigned submit() noexcept {
        for (int idle = 0; ::io_uring_sq_ready(&ring_) > 0;) {
            int const taken = ::io_uring_submit(&ring_);
            if (taken > 0) { idle = 0; continue; }
            bool const again = taken == 0 || taken == -EINTR || taken == -EAGAIN || taken == -EBUSY;
            if (!again || ++idle > idle_calls_max) { break; }
            ::sched_yield();
        }
        return ::io_uring_sq_ready(&ring_);
    }

    struct result {
        void* of = nullptr;
        int value = 0;
    };
    /// Takes the next result, if there is one. `before_taken(of)` is called while it is still there.
    template <class Fn>
    [[nodiscard]] bool take(result& to, Fn before_taken) noexcept {
        ::io_uring_cqe* found = nullptr;
        if (::io_uring_peek_cqe(&ring_, &found) != 0) { return false; }
        to = {::io_uring_cqe_get_data(found), found->res};
        before_taken(to.of);
        ::io_uring_cqe_seen(&ring_, found);
        return true;
    }
    /// Waits until there is a result, a signal comes, or `most` is over.
    void wait(std::chrono::nanoseconds most) noexcept {
        constexpr std::chrono::nanoseconds longest = std::chrono::hours{1};
        auto const rest = most < longest ? most : longest;
        ::__kernel_timespec limit{rest / std::chrono::seconds{1},
                                  (rest % std::chrono::seconds{1}).count()};
        ::io_uring_cqe* found = nullptr;
        static_cast<void>(::io_uring_wait_cqe_timeout(&ring_, &found, &limit));
    }

private:
    static constexpr std::size_t parts_max = 1024;
    ::io_uring ring_{};
    bool made_ = false;
};

/// Rings for syncs: a thread that waits in one may be interrupted, so that the system can complete
/// its transfers meanwhile.
class sync_rings : immovable {
public:
    void make() noexcept {
        for (auto& one : rings_) { one.usable = one.ring.make(1, 2) == 0; }
    }
    /// Whether there was a ring for it; then `error` is 0 or an errno.
    [[nodiscard]] bool sync(int fd, int& error) noexcept {
        for (auto& one : rings_) {
            if (!one.usable || !one.mutex.try_lock()) { continue; }
            std::lock_guard const hold{one.mutex, std::adopt_lock};
            int result = -EINTR;
            while (result == -EINTR) {
                auto& request = one.ring.next();
                ::io_uring_prep_fsync(&request, fd, IORING_FSYNC_DATASYNC);
                ::io_uring_sqe_set_data(&request, nullptr);
                if (one.ring.submit() != 0) {
                    one.usable = false;
                    return false;
                }
                uring::result found;
                while (!one.ring.take(found, [](void*) {})) {
                    one.ring.wait(std::chrono::seconds{1});
                }
                result = found.value;
            }
            error = -result;
            return true;
        }
        return false;
    }

private:
    struct guarded {
        std::mutex mutex;
        uring ring;
        bool usable = false;
    };
    std::array<guarded, 4> rings_;
};

}  // namespace detail

class uring_backend {
public:
    struct options {
        std::uint32_t in_flight_max = 256;  ///< runs of pages, 1 to 4,096
        bool required = false;              ///< the constructor throws if there is no ring
    };
    using file = direct_backend::file;

    /// Errors: bad_option; open_failed with the errno, if a ring is refused and `required`.
    uring_backend(std::span<std::byte> arena, options const& given)
        : direct_{arena, {}}, arena_{arena}, runs_{checked(given).in_flight_max} {
        for (auto& one : runs_) { give_back(one); }
        refusal_ = ring_.make(2 * batch_max, given.in_flight_max + interrupts_max);
        usable_ = refusal_ == 0;
        if (usable_) {
            memory_is_known_ = ring_.register_memory(arena);
            syncs_.make();
        } else if (given.required) {
            throw error{errc::open_failed, "make an io_uring", page_id::none(), refusal_};
        }
    }

    /// 0: transfers go through a ring. Else the errno of the system's refusal.
    [[nodiscard]] int refusal() const noexcept { return refusal_; }

    /// Errors: as direct_backend's.
    [[nodiscard]] file open(open_request const& request) const { return direct_.open(request); }
    [[nodiscard]] file adopt(int fd, open_request const& request) const {
        return direct_.adopt(fd, request);
    }

    std::size_t submit(std::span<io_op<file>*> ops) noexcept {
        std::size_t here = 0;  // ops at the front, which the ring does not take
        auto const keep = [&](std::span<io_op<file>* const> those) {
            for (auto* each : those) { ops[here++] = each; }
        };
        for (std::span<io_op<file>* const> rest = ops; !rest.empty();) {
            std::lock_guard const hold{mutex_};
            if (!usable_) {
                keep(rest);
                break;
            }
            std::array<run*, batch_max> batch;
            std::size_t staged = 0;
            while (!rest.empty() && staged < batch.size()) {
                auto const neighbours = rest.first(direct_backend::run_length(rest));
                rest = rest.subspan(neighbours.size());
                if (free_ == nullptr) {
                    keep(neighbours);
                } else {
                    batch[staged++] = &stage(neighbours);
                }
            }
            in_ring_.fetch_add(static_cast<std::int64_t>(staged), std::memory_order_relaxed);
            if (auto const left = ring_.submit(); left > 0) [[unlikely]] {
                usable_ = false;
                in_ring_.fetch_sub(left, std::memory_order_relaxed);
                for (auto* each : std::span{batch}.first(staged).last(left)) {
                    keep(std::span{each->ops}.first(each->length));
                    give_back(*each);
                }
            }
        }
        return direct_.submit(ops.first(here));
    }

    std::size_t reap(std::span<io_op<file>*> done, std::chrono::nanoseconds wait) noexcept {
        if (refusal_ != 0) { return 0; }
        std::size_t count = hand_out(done);
        if (count == 0 && wait > wait.zero() && in_ring_.load(std::memory_order_relaxed) > 0) {
            ring_.wait(wait);
        }
        while (count < done.size() && complete_next()) { count += hand_out(done.subspan(count)); }
        return count;
    }

    void interrupt() noexcept {
        if (interrupted_.exchange(true, std::memory_order_seq_cst)) { return; }
        std::lock_guard const hold{mutex_};
        if (!usable_) { return; }  // no request wakes a reap that waits: its wait is bounded
        auto& request = ring_.next();
        ::io_uring_prep_nop(&request);
        ::io_uring_sqe_set_data(&request, nullptr);
        if (ring_.submit() != 0) { usable_ = false; }
    }

    [[nodiscard]] int sync(file& f) noexcept {
        int error = 0;
        return syncs_.sync(f.native_handle(), error) ? error : direct_.sync(f);
    }
    [[nodiscard]] int resize(file& f, std::uint64_t bytes) const noexcept {
        return direct_.resize(f, bytes);
    }
    [[nodiscard]] int close(file& f) const noexcept { return direct_.close(f); }

private:
    static constexpr unsigned batch_max = 16;  // a long submit holds others up
    static constexpr unsigned interrupts_max = 2;  // one taken, and one that comes meanwhile

    /// Neighbouring pages that travel by one request.
    struct run {
        std::array<io_op<file>*, direct_backend::run_max> ops;
        std::array<::iovec, direct_backend::run_max> parts;
        std::size_t length = 0;      ///< ops
        std::size_t handed_out = 0;  ///< of them
        std::size_t bytes = 0;       ///< of all
        run* next_free = nullptr;
        std::atomic<bool> armed{false};  ///< see I4
    };

    [[nodiscard]] static options const& checked(options const& given) {
        if (given.in_flight_max == 0 || given.in_flight_max > 4096) {
            throw error{errc::bad_option, "make a uring_backend: in_flight_max is 1 to 4,096"};
        }
        return given;
    }

    /// Expects: the mutex is held, here and below.
    void give_back(run& one) noexcept {
        one.next_free = free_;
        free_ = &one;
    }
    [[nodiscard]] run& stage(std::span<io_op<file>* const> ops) noexcept {
        run& one = *free_;
        free_ = one.next_free;
        one.length = ops.size();
        one.handed_out = 0;
        one.bytes = 0;
        for (std::size_t i = 0; i < ops.size(); ++i) {
            direct_backend::prepare(*ops[i]);
            one.ops[i] = ops[i];
            one.parts[i] = {ops[i]->bytes.data(), ops[i]->bytes.size()};
            one.bytes += ops[i]->bytes.size();
        }
        auto& request = ring_.next();
        fill_in(request, one, *ops.front());
        ::io_uring_sqe_set_data(&request, &one);
        one.armed.store(true, std::memory_order_release);
        return one;
    }
    void fill_in(::io_uring_sqe& request, run& one, io_op<file> const& first) const noexcept {
        int const fd = first.file->native_handle();
        bool const reads = first.verb == io_verb::read;
        auto* const parts = one.parts.data();
        if (one.length > 1) {
            auto const count = static_cast<unsigned>(one.length);
            reads ? ::io_uring_prep_readv(&request, fd, parts, count, first.offset)
                  : ::io_uring_prep_writev(&request, fd, parts, count, first.offset);
            return;
        }
        auto* const at = first.bytes.data();
        auto const size = static_cast<unsigned>(first.bytes.size());
        if (memory_is_known_) {
            auto const part = static_cast<int>(static_cast<std::size_t>(at - arena_.data()) /
                                               detail::uring::part_size);
            reads ? ::io_uring_prep_read_fixed(&request, fd, at, size, first.offset, part)
                  : ::io_uring_prep_write_fixed(&request, fd, at, size, first.offset, part);
        } else {
            reads ? ::io_uring_prep_read(&request, fd, at, size, first.offset)
                  : ::io_uring_prep_write(&request, fd, at, size, first.offset);
        }
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
            static_cast<void>(one.armed.load(std::memory_order_acquire));
            in_ring_.fetch_sub(1, std::memory_order_relaxed);
            bool const whole = found.value >= 0 &&
                               static_cast<std::size_t>(found.value) == one.bytes;
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
            std::lock_guard const hold{mutex_};
            give_back(one);
        }
        return count;
    }

    direct_backend direct_;
    std::span<std::byte> arena_;
    fixed_array<run> runs_;
    run* free_ = nullptr;  // guarded by the mutex
    std::mutex mutex_;     // of the submission queue, and the free records
    detail::uring ring_;
    detail::sync_rings syncs_;
    run* complete_ = nullptr;  // the reaper's
    std::atomic<std::int64_t> in_ring_{0};
    std::atomic<bool> interrupted_{false};
    bool usable_ = false;  // guarded by the mutex: the ring takes requests
    int refusal_ = 0;
    bool memory_is_known_ = false;
};

static_assert(adopting_backend<uring_backend>);

}  // namespace quire::inline QUIRE_ABI
