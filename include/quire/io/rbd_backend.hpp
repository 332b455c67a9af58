// SPDX-License-Identifier: BSL-1.0
#pragma once

/// rbd_backend: images of a Ceph cluster (RBD) as files: replicated, fenced, resizable.
///
///     using pool_type = quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch,
///                                          quire::rbd_backend>;
///     pool_type pool{{.frames = 4096, .backend = {.config = "ceph.conf"}}};
///     auto file = pool.open("engines/orders", quire::open_mode::open_or_create);  // pool/image
///
/// Needs librbd and librados (`-lrbd -lrados`; by CMake quire::rbd, of the component rbd), and is
/// not part of quire.hpp. No protocol of its own: locks, fencing, resizing and durability are those
/// of RBD. Pages take the way of the network: librbd copies them. The client's cache is switched
/// off.
///
/// A path is `pool/image`, or `pool/image@snapshot`, which is only read; a namespace may stand
/// between pool and image. What is made has the feature exclusive-lock.
///
/// Writers. An opener that writes holds the image's exclusive lock from open to close. While it
/// lives, others get file_locked. When it has died without closing, the next opener waits until the
/// cluster has noticed that (30 s, osd_client_watch_timeout of the cluster), and then *fences* it:
/// the cluster takes no more ops of that connection. An opener that has waited `lock_wait_max` gets
/// file_locked; the cluster goes on asking, and may fence the owner all the same.
/// With file_lock::none the lock is not held: librbd takes it for the first write, if it can.
///
/// A fenced owner gets ESHUTDOWN for each op, which the pool reports as errc::lock_lost: its file
/// refuses writes from its first failed one on, what is in the pool is still read, and what a flush
/// or a log had acknowledged is in the image. The fence is of the connection, so all files of the
/// backend have it: close them with unwritten::discard, and make a new pool.
///
/// Readers. RBD has no lock for readers. An image that is opened for reading may change meanwhile,
/// so open says open_failed to a reader that asks for a lock: it opens a snapshot, which does not
/// change, or says file_lock::none.
///
/// Sizes. An image grows in steps of `growth` bytes, since a resize takes as long as a hundred
/// writes; close cuts it. After a crash of the owner its size is the end of the last step, and what
/// was never written there is zeros (errc::blank_page).
///
/// A cluster that does not answer. An op waits while the OSD of its object is away, and goes on
/// when it is back. With `op_time_max` it is ETIMEDOUT after that time (below 30 s a client can
/// miss the return of an OSD): a page that was to be written stays dirty, and the next flush writes
/// it again. But the first write may still be done, at any time. So a file with a write that timed
/// out is closed with ETIMEDOUT, and keeps its lock until the process ends: another opener gets
/// file_locked, and later fences what is left. With a limit any failed write, and a failed resize,
/// is taken for one that timed out: one failure may hide another. By default there is no limit.
///
/// Invariants
///   I1. A run of neighbours is one op of librbd. It completes in a thread of librbd, which does no
///       more than to put it into the queue that `reap` takes from.
///   I2. A run that failed is repeated page by page, by who reaps it: an object that cannot be read
///       fails no page of another one. A time-out or a lost lock ends that: all would share it.
///   I3. There are `in_flight_max` records of runs. A run that finds none free is complete when
///       `submit` returns.
///   I4. `size` is what resize has set; the image is at least as large.
///
/// Errors: of open open_failed with the cluster's errno, file_locked; of ops an errno, ESHUTDOWN
/// for a lost lock.
/// Lifetime: a forked child inherits a connection that does not work; the pool says `forked`, and
/// the child's copy is left as it is.
/// Threads: as file_backend says. One connection, and the threads of librados, for each backend.
/// Cost: librbd allocates for each op.

#include <quire/base/fixed_array.hpp>
#include <quire/io/detail/rbd_image.hpp>

#include <algorithm>           // std::copy, std::find, std::iter_swap
#include <bit>                 // std::has_single_bit
#include <condition_variable>  // std::condition_variable

namespace quire::inline QUIRE_ABI {

class rbd_backend {
public:
    struct options {
        std::string config{};         ///< path of ceph.conf; empty: where Ceph's programs look
        std::string user = "admin";   ///< the client is `client.` and this
        std::uint32_t in_flight_max = 256;  ///< runs of pages, 1 to 4,096
        std::chrono::seconds op_time_max{0};     ///< 0: no limit; see above
        std::chrono::seconds lock_wait_max{45};  ///< at most a day
        std::uint64_t growth = std::uint64_t{1} << 22;  ///< a power of two, 64 KiB to 1 GiB
    };

    class file {
    public:
        file() = default;
        [[nodiscard]] std::uint64_t size() const noexcept { return image_->size(); }
        /// `direct`: no cache is between the cluster and the frame.
        [[nodiscard]] io_mode mode() const noexcept { return io_mode::direct; }
        [[nodiscard]] bool writable() const noexcept { return image_->writable(); }

    private:
        friend rbd_backend;
        std::unique_ptr<detail::rbd_image> image_;
    };

    static constexpr std::size_t run_max = 64;  ///< pages in an op

    /// Connects. Errors: bad_option; open_failed with the errno.
    rbd_backend(std::span<std::byte>, options const& given)
        : given_{checked(given)},
          cluster_{std::make_shared<detail::rbd_cluster>(given.config, given.user,
                                                         given.op_time_max)},
          runs_{given.in_flight_max} {
        for (auto& one : runs_) {
            one.queue = &queue_;
            give_back(one);
        }
    }

    [[nodiscard]] std::size_t in_flight_max() const noexcept { return runs_.size(); }

    /// Errors: open_failed, file_locked.
    [[nodiscard]] file open(open_request const& request) {
        file f;
        f.image_ = std::make_unique<detail::rbd_image>(cluster_, request, given_.growth,
                                                       given_.lock_wait_max);
        return f;
    }

    std::size_t submit(std::span<io_op<file>*> ops) noexcept {
        auto here = ops.begin();  // before it: ops that are complete
        for (std::span<io_op<file>* const> rest = ops; !rest.empty();) {
            auto const neighbours = rest.first(run_length(rest));
            rest = rest.subspan(neighbours.size());
            if (auto* const one = take_free(); one != nullptr) {
                start(*one, neighbours);
                continue;
            }
            transfer_run(neighbours);
            for (auto* each : neighbours) {
                std::iter_swap(here, std::find(here, ops.end(), each));
                ++here;
            }
        }
        return static_cast<std::size_t>(here - ops.begin());
    }
    void transfer(std::span<io_op<file>*> ops) noexcept {
        for (std::span<io_op<file>* const> rest = ops; !rest.empty();) {
            auto const neighbours = rest.first(run_length(rest));
            rest = rest.subspan(neighbours.size());
            transfer_run(neighbours);
        }
    }

    std::size_t reap(std::span<io_op<file>*> done, std::chrono::nanoseconds wait) noexcept {
        std::size_t count = hand_out(done);
        if (count == 0 && !done.empty() && in_flight_.load(std::memory_order_acquire) > 0) {
            queue_.wait(wait);
        }
        while (count < done.size() && complete_next()) { count += hand_out(done.subspan(count)); }
        return count;
    }
    void interrupt() noexcept { queue_.interrupt(); }

    /// Waits for the writes in flight of this file.
    [[nodiscard]] int sync(file& f) noexcept { return f.image_->sync(); }
    [[nodiscard]] int resize(file& f, std::uint64_t bytes) noexcept {
        return f.image_->resize(bytes);
    }
    [[nodiscard]] int close(file& f) noexcept {
        if (f.image_ == nullptr) { return 0; }
        int const failed = f.image_->close();
        f.image_.reset();
        return failed;
    }

private:
    struct run;

    /// Runs that librbd has completed, in their order.
    class completions {
    public:
        /// Notifies under the mutex: as soon as that is free, the reaper may hand the run out, and
        /// the pool may destroy the backend.
        void push(run& one) noexcept {
            std::lock_guard const hold{mutex_};
            (last_ == nullptr ? first_ : last_->next) = &one;
            last_ = &one;
            changed_.notify_one();
        }
        /// Null when there is none.
        [[nodiscard]] run* pop() noexcept {
            std::lock_guard const hold{mutex_};
            run* const one = first_;
            if (one != nullptr) {
                first_ = std::exchange(one->next, nullptr);
                if (first_ == nullptr) { last_ = nullptr; }
            }
            return one;
        }
        /// Until there is one, or an interrupt, which this uses up.
        void wait(std::chrono::nanoseconds at_most) noexcept {
            std::unique_lock hold{mutex_};
            changed_.wait_for(hold, at_most, [&] { return first_ != nullptr || interrupted_; });
            interrupted_ = false;
        }
        void interrupt() noexcept {
            std::lock_guard const hold{mutex_};
            interrupted_ = true;
            changed_.notify_one();
        }

    private:
        std::mutex mutex_;
        std::condition_variable changed_;
        run* first_ = nullptr;
        run* last_ = nullptr;
        bool interrupted_ = false;
    };

    /// Neighbouring pages that travel by one op of librbd.
    struct run {
        std::array<io_op<file>*, run_max> ops;
        detail::rbd_transfer how;
        std::size_t length = 0;      ///< ops
        std::size_t handed_out = 0;  ///< of them
        run* next = nullptr;         ///< in the queue, or of those that are free
        completions* queue = nullptr;
    };

    [[nodiscard]] static options const& checked(options const& given) {
        auto const refuse = [](char const* why) {
            throw error{errc::bad_option, std::string{"make an rbd_backend: "} + why};
        };
        if (given.in_flight_max == 0 || given.in_flight_max > 4096) {
            refuse("in_flight_max is 1 to 4,096");
        }
        if (!std::has_single_bit(given.growth) || given.growth < (1U << 16) ||
            given.growth > (1U << 30)) {
            refuse("growth is a power of two, of 64 KiB to 1 GiB");
        }
        for (auto const time : {given.op_time_max, given.lock_wait_max}) {
            if (time < std::chrono::seconds{0} || time > std::chrono::hours{24}) {
                refuse("op_time_max and lock_wait_max are at most a day");
            }
        }
        return given;
    }

    [[nodiscard]] static std::size_t run_length(std::span<io_op<file>* const> ops) noexcept {
        std::size_t run = 1;
        while (run < ops.size() && run < run_max && ops[run]->verb == ops[0]->verb &&
               ops[run]->file == ops[0]->file &&
               ops[run]->offset == ops[run - 1]->offset + ops[run - 1]->bytes.size()) {
            ++run;
        }
        return run;
    }

    [[nodiscard]] run* take_free() noexcept {
        std::lock_guard const hold{free_mutex_};
        run* const one = free_;
        if (one != nullptr) { free_ = std::exchange(one->next, nullptr); }
        return one;
    }
    void give_back(run& one) noexcept {
        std::lock_guard const hold{free_mutex_};
        one.next = free_;
        free_ = &one;
    }

    void start(run& one, std::span<io_op<file>* const> ops) noexcept {
        one.length = ops.size();
        one.handed_out = 0;
        std::copy(ops.begin(), ops.end(), one.ops.begin());
        in_flight_.fetch_add(1, std::memory_order_relaxed);
        one.how.start(*ops.front()->file->image_, ops, [](void* of) {
            auto& completed = *static_cast<run*>(of);
            completed.queue->push(completed);
        }, &one);
    }
    /// In this thread, until it is complete.
    static void transfer_run(std::span<io_op<file>* const> ops) noexcept {
        detail::rbd_transfer how;
        how.start_and_wait(*ops.front()->file->image_, ops);
        conclude(how, ops);
    }
    /// What became of a run becomes the result of its ops.
    static void conclude(detail::rbd_transfer& how, std::span<io_op<file>* const> ops) noexcept {
        auto& image = *ops.front()->file->image_;
        auto const is_of_all = [](int error) { return error == ESHUTDOWN || error == ETIMEDOUT; };
        int last = how.end(image, ops);
        bool const is_tried_again = last != 0 && ops.size() > 1;
        for (auto* each : ops) {
            if (is_tried_again && !is_of_all(last)) {
                detail::rbd_transfer again;
                std::span<io_op<file>* const> const alone{&each, 1};
                again.start_and_wait(image, alone);
                last = again.end(image, alone);
            }
            each->error = last;
        }
    }

    /// Takes a completed run, if there is one. Expects: of the one before every op is handed out.
    [[nodiscard]] bool complete_next() noexcept {
        run* const one = queue_.pop();
        if (one == nullptr) { return false; }
        conclude(one->how, std::span{one->ops}.first(one->length));
        complete_ = one;
        return true;
    }
    [[nodiscard]] std::size_t hand_out(std::span<io_op<file>*> done) noexcept {
        if (complete_ == nullptr) { return 0; }
        auto& one = *complete_;
        std::size_t count = 0;
        while (count < done.size() && one.handed_out < one.length) {
            done[count++] = one.ops[one.handed_out++];
        }
        if (one.handed_out == one.length) {
            complete_ = nullptr;
            in_flight_.fetch_sub(1, std::memory_order_release);
            give_back(one);
        }
        return count;
    }

    options given_;
    std::shared_ptr<detail::rbd_cluster> cluster_;
    fixed_array<run> runs_;
    std::mutex free_mutex_;
    run* free_ = nullptr;  // guarded by the mutex before it
    completions queue_;
    run* complete_ = nullptr;  // the reaper's
    std::atomic<std::int64_t> in_flight_{0};
};

static_assert(file_backend<rbd_backend>);
static_assert(blocking_backend<rbd_backend>);

}  // namespace quire::inline QUIRE_ABI
