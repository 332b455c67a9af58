// SPDX-License-Identifier: BSL-1.0
#pragma once

/// uring: a ring of io_uring; sync_rings: rings of which each makes one sync at a time.
///
/// All that quire asks of liburing is here.
///
/// Invariants
///   I1. The ring's descriptor is 3 or more, as that of a file, and closed on exec (the system does
///       that). A program that connects its standard streams anew would close it otherwise.
///   I2. After `submit` the submission queue is empty: a request that the system does not take is
///       taken back, and will not be made at a later time, when its memory is another page's.
///   I3. The system needs no wake-up and no lock for a wait that has a limit: the wait puts no
///       request in (IORING_FEAT_EXT_ARG, Linux 5.11). So one thread may wait while others submit.
///
/// A forked child has a copy of the object, and shares the ring. Destroying the copy unmaps the
/// child's view of the ring and closes the child's descriptor; the parent's ring goes on. Hence
/// nothing here is unregistered by name: that would be done to the parent's ring.
///
/// Threads: one at a time submits (`stage`, `stage_nothing`, `stage_sync`, `submit`), and one at a
/// time takes (`take`, `wait`).

#include <quire/base/immovable.hpp>
#include <quire/io/detail/descriptor.hpp>
#include <quire/io/file_backend.hpp>

#include <algorithm>  // std::max, std::min
#include <array>      // std::array
#include <mutex>      // std::mutex

#include <liburing.h>
#include <sched.h>    // sched_yield
#include <sys/uio.h>  // iovec

namespace quire::inline QUIRE_ABI::detail {

class uring : immovable {
public:
    uring() noexcept = default;
    ~uring() { end(); }

    /// Room for `staged` requests that are put in before a submit, and for `results` that have not
    /// been taken. 0 or an errno.
    [[nodiscard]] int make(unsigned staged, unsigned results) noexcept {
        ::io_uring_params wishes{};
        wishes.flags = IORING_SETUP_CQSIZE;
        wishes.cq_entries = std::max(staged, results);  // fewer than `staged` are refused
        if (!fill_streams()) { return errno; }
        if (int const failed = ::io_uring_queue_init_params(staged, &ring_, &wishes); failed < 0) {
            return -failed;
        }
        made_ = true;
        bool const can_wait = (wishes.features & IORING_FEAT_EXT_ARG) != 0;
        if (can_wait && ring_.ring_fd >= first_free_number) { return 0; }
        end();
        return can_wait ? EMFILE : ENOSYS;
    }

    static constexpr std::size_t part_max = std::size_t{1} << 30;  ///< bytes that it takes as one

    /// Expects: it was made.
    [[nodiscard]] int native_handle() const noexcept { return ring_.ring_fd; }

    /// The memory of the transfers, which the system then need not look up for each. Whether it
    /// takes it: there is a limit on locked memory.
    [[nodiscard]] bool register_memory(std::span<std::byte> memory,
                                       std::size_t part_size = part_max) noexcept {
        std::array<::iovec, parts_max> parts;
        std::size_t count = 0;
        for (auto rest = memory; !rest.empty(); ++count) {
            if (count == parts.size()) { return false; }
            auto const part = rest.first(std::min(rest.size(), part_size));
            parts[count] = {part.data(), part.size()};
            rest = rest.subspan(part.size());
        }
        if (::io_uring_register_buffers(&ring_, parts.data(), static_cast<unsigned>(count)) != 0) {
            return false;
        }
        known_ = memory;
        part_size_ = part_size;
        return true;
    }

    /// Puts in a request that moves `parts`, which stay in place until its result is taken. The
    /// result comes with `of`. Expects: there is room, here and below.
    void stage(io_verb verb, int fd, std::span<::iovec> parts, std::uint64_t offset,
               void* of) noexcept {
        auto* const request = ::io_uring_get_sqe(&ring_);
        bool const reads = verb == io_verb::read;
        auto* const at = parts.front().iov_base;
        auto const size = static_cast<unsigned>(parts.front().iov_len);
        auto const count = static_cast<unsigned>(parts.size());
        int const known = part_of(parts.front());
        if (parts.size() > 1) {
            reads ? ::io_uring_prep_readv(request, fd, parts.data(), count, offset)
                  : ::io_uring_prep_writev(request, fd, parts.data(), count, offset);
        } else if (known >= 0) {
            reads ? ::io_uring_prep_read_fixed(request, fd, at, size, offset, known)
                  : ::io_uring_prep_write_fixed(request, fd, at, size, offset, known);
        } else {
            reads ? ::io_uring_prep_read(request, fd, at, size, offset)
                  : ::io_uring_prep_write(request, fd, at, size, offset);
        }
        ::io_uring_sqe_set_data(request, of);
    }
    /// Puts in a request that does nothing, and whose result comes with nullptr.
    void stage_nothing() noexcept {
        auto* const request = ::io_uring_get_sqe(&ring_);
        ::io_uring_prep_nop(request);
        ::io_uring_sqe_set_data(request, nullptr);
    }
    /// As fdatasync; the result comes with nullptr.
    void stage_sync(int fd) noexcept {
        auto* const request = ::io_uring_get_sqe(&ring_);
        ::io_uring_prep_fsync(request, fd, IORING_FSYNC_DATASYNC);
        ::io_uring_sqe_set_data(request, nullptr);
    }

    /// Hands the requests over; how many of the last ones the system did not take. See I2.
    [[nodiscard]] unsigned submit() noexcept {
        int idle = 0;
        while (::io_uring_sq_ready(&ring_) > 0) {
            int const taken = ::io_uring_submit(&ring_);
            if (taken > 0) {
                idle = 0;
                continue;
            }
            bool const again = taken == 0 || taken == -EINTR || taken == -EAGAIN || taken == -EBUSY;
            if (!again || ++idle >= idle_calls_max) { break; }
            ::sched_yield();
        }
        unsigned const left = ::io_uring_sq_ready(&ring_);
        if (left > 0) [[unlikely]] {
            auto& queue = ring_.sq;
            queue.sqe_head = queue.sqe_tail -= left;
            ::io_uring_smp_store_release(queue.ktail, queue.sqe_tail);
        }
        return left;
    }

    struct result {
        void* of = nullptr;
        int value = 0;  ///< below 0: minus an errno
    };
    /// Takes the next result, if there is one. `before_taken(of)` is called while it is there.
    template <class Fn>
    [[nodiscard]] bool take(result& to, Fn before_taken) noexcept {
        ::io_uring_cqe* found = nullptr;
        if (::io_uring_peek_cqe(&ring_, &found) != 0) { return false; }
        to = {::io_uring_cqe_get_data(found), found->res};
        before_taken(to.of);
        ::io_uring_cqe_seen(&ring_, found);
        return true;
    }
    /// Waits until there is a result, a signal comes, or `most` is over, or a tenth of a second: so
    /// long hangs what waits for a request that the system did not take.
    void wait(std::chrono::nanoseconds most) noexcept {
        constexpr std::chrono::nanoseconds longest = std::chrono::milliseconds{100};
        ::__kernel_timespec limit{0, std::min(most, longest).count()};
        ::io_uring_cqe* found = nullptr;
        int const failed = ::io_uring_wait_cqe_timeout(&ring_, &found, &limit);
        if (failed != 0 && failed != -ETIME && failed != -EINTR) { ::sched_yield(); }
    }

private:
    static constexpr std::size_t parts_max = 1024;

    void end() noexcept {
        if (std::exchange(made_, false)) { ::io_uring_queue_exit(&ring_); }
    }
    /// The number of the registered part that `memory` lies in; -1: it lies in no single one.
    [[nodiscard]] int part_of(::iovec const& memory) const noexcept {
        auto const first = reinterpret_cast<std::uintptr_t>(memory.iov_base) -
                           reinterpret_cast<std::uintptr_t>(known_.data());
        if (first >= known_.size() || memory.iov_len > known_.size() - first) { return -1; }
        bool const one = first / part_size_ == (first + memory.iov_len - 1) / part_size_;
        return one ? static_cast<int>(first / part_size_) : -1;
    }

    ::io_uring ring_{};
    bool made_ = false;
    std::span<std::byte> known_;  // registered, in parts of this size:
    std::size_t part_size_ = part_max;
};

/// A thread that waits in one of these may be interrupted, so that the system can complete the
/// transfers meanwhile that the thread has submitted. In fdatasync it may not.
class sync_rings : immovable {
public:
    void make() noexcept {
        for (auto& one : rings_) { one.usable = one.ring.make(1, 1) == 0; }
    }
    /// Whether it was done, with or without an error; then `error` is 0 or an errno.
    [[nodiscard]] bool sync(int fd, int& error) noexcept {
        for (auto& one : rings_) {
            if (!one.usable || !one.mutex.try_lock()) { continue; }
            std::lock_guard const hold{one.mutex, std::adopt_lock};
            one.ring.stage_sync(fd);
            if (one.ring.submit() != 0) { return false; }
            uring::result found;
            while (!one.ring.take(found, [](void*) {})) {
                one.ring.wait(std::chrono::seconds{1});
            }
            error = -found.value;
            // A sync that was never begun has failed in nothing, and has forgotten nothing.
            return error != ECANCELED && error != EINTR && error != EAGAIN;
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

}  // namespace quire::inline QUIRE_ABI::detail
