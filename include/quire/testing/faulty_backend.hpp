// SPDX-License-Identifier: BSL-1.0
#pragma once

/// faulty_backend: any backend, and faults in it when a test says so.
///
///     #include <quire/io/memory_backend.hpp>
///     #include <quire/pool/buffer_pool.hpp>
///
///     using namespace quire::testing;
///     auto faults = std::make_shared<fault_plan>();
///     quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch,
///                        faulty_backend<quire::memory_backend>>
///         pool{{.backend = {.inner = {}, .faults = faults}}};
///     faults->add({.call = io_call::write, .nth = 2, .what = io_fault::shortens});
///
/// The third write from now stops half-way. To try every place where a call can fail, set nth to
/// 0, 1, 2, ... until `fired()` stays 0: then there is no such call left.
///
///   fault        read                          write
///   fails        nothing is read               nothing is written                 -> `error`
///   shortens     half of it, -> io_ended       half of it, -> `error`
///   interrupts   it and all that follow in its submit: nothing is done            -> EINTR
///   corrupts     one bit is another            one bit arrives as another         -> 0
///   misdirects   a neighbouring page is read   a neighbouring page is written     -> 0
///   delays       begins only in a later reap   begins only in a later reap
///
/// Every fault of open (which throws open_failed), sync, resize and close is `fails`, even when
/// another one was planned; a file whose close fails is closed nevertheless. Halves are of whole
/// 512-byte sectors. A page of which half was written is what a loss of power may leave.
///
/// A corrupted or misdirected transfer looks like a success: a page's seal is there to find it. A
/// file of one page has no neighbour: there nothing goes wrong. Of two faults that are due at one
/// call the second happens at the next call. Ops that an interrupt ends are not counted as calls.
///
/// The inner backend may hand out its ops in `submit` or in `reap`. An op without a fault is given
/// to it as it is. For an op that is changed there is a record: an op of its own for the inner
/// backend, and what to do when that is handed out.
///
/// Invariants
///   I1. An op is handed out once: at once if its fault leaves nothing to transfer, else when the
///       inner backend has handed out its op.
///   I2. Nothing waits, except the inner backend's `reap`. A delayed op interrupts that reap,
///       because the thread that waits there has to begin the op.
///
/// Threads: any, as the inner backend. A plan may be shared by backends, and changed at any time.
/// Expects: no corrupted writes over an inner backend that takes only its arena's memory.

#include <quire/io/file_backend.hpp>
#include <quire/testing/detail/aligned_bytes.hpp>

#include <algorithm>  // std::copy, std::rotate
#include <array>      // std::array
#include <cerrno>     // EIO, EINTR, ENOMEM
#include <deque>      // std::deque
#include <map>        // std::map
#include <memory>     // std::unique_ptr
#include <mutex>      // std::mutex
#include <optional>   // std::optional
#include <utility>    // std::move
#include <vector>     // std::vector

namespace quire::inline QUIRE_ABI::testing {

/// What is counted: transfers one by one, everything else by calls.
enum class io_call : std::uint8_t { open, read, write, sync, resize, close };

enum class io_fault : std::uint8_t {
    fails,
    shortens,
    interrupts,
    corrupts,
    misdirects,
    delays,
};

struct fault {
    io_call call = io_call::read;
    std::uint64_t nth = 0;  ///< 0: the next such call
    io_fault what = io_fault::fails;
    int error = EIO;  ///< an errno
    /// 0: once. Else that call, and each call this many after a faulty one; 1: from then on.
    std::uint64_t every = 0;
};

/// The faults that will happen, and how many have. Shared by a test and its backends.
class fault_plan {
public:
    void add(fault const& f) {
        std::lock_guard const hold{mutex_};
        planned_.push_back({f, calls_[static_cast<std::size_t>(f.call)] + f.nth});
    }
    /// Plans no more faults. The counts stay.
    void clear() {
        std::lock_guard const hold{mutex_};
        planned_.clear();
    }
    /// How many faults have happened.
    [[nodiscard]] std::uint64_t fired() const {
        std::lock_guard const hold{mutex_};
        return fired_;
    }
    /// How many such calls there were, faulty or not.
    [[nodiscard]] std::uint64_t calls(io_call which) const {
        std::lock_guard const hold{mutex_};
        return calls_[static_cast<std::size_t>(which)];
    }

    /// For backends: counts a call, and says what is wrong with it.
    [[nodiscard]] std::optional<fault> next(io_call which) noexcept {
        std::lock_guard const hold{mutex_};
        auto const number = calls_[static_cast<std::size_t>(which)]++;
        for (auto& one : planned_) {
            if (one.what.call != which || number < one.due) { continue; }
            one.due = one.what.every == 0 ? never : number + one.what.every;
            ++fired_;
            return one.what;
        }
        return std::nullopt;
    }

private:
    static constexpr std::uint64_t never = ~std::uint64_t{0};
    struct planned {
        fault what;
        std::uint64_t due;  // which call of its kind
    };

    mutable std::mutex mutex_;
    std::vector<planned> planned_;
    std::array<std::uint64_t, 6> calls_{};
    std::uint64_t fired_ = 0;
};

template <file_backend Inner>
class faulty_backend {
public:
    using file = typename Inner::file;
    using op = io_op<file>;
    struct options {
        typename Inner::options inner{};
        /// None: no faults.
        std::shared_ptr<fault_plan> faults{};
    };

    explicit faulty_backend(std::span<std::byte> arena, options const& given)
        : inner_{arena, given.inner},
          faults_{given.faults != nullptr ? given.faults : std::make_shared<fault_plan>()} {}

    [[nodiscard]] file open(open_request const& request) {
        require_opens("open ", request);
        return inner_.open(request);
    }
    [[nodiscard]] file adopt(int fd, open_request const& request)
        requires adopting_backend<Inner>
    {
        auto taken = inner_.adopt(fd, request);  // which closes it when it refuses
        try {
            require_opens("adopt ", request);
        } catch (...) {
            static_cast<void>(inner_.close(taken));
            throw;
        }
        return taken;
    }

    std::size_t submit(std::span<op*> ops) noexcept {
        std::size_t front = 0;  // before it: ops that are complete
        for (std::size_t at = 0; at < ops.size(); ++at) {
            auto const [sound, wrong] = sound_ops(ops.subspan(at));
            if (sound > 0) {
                bring_forward(ops, front, at, inner_.submit(ops.subspan(at, sound)));
                at += sound;
            }
            if (!wrong) { return front; }
            if (wrong->what == io_fault::interrupts) {
                for (auto* each : ops.subspan(at)) { each->error = EINTR; }
                bring_forward(ops, front, at, ops.size() - at);
                return front;
            }
            if (begin(*ops[at], *wrong)) { bring_forward(ops, front, at, 1); }
        }
        return front;
    }

    std::size_t reap(std::span<op*> done, std::chrono::nanoseconds wait) noexcept {
        auto const count = begin_delayed(done);
        auto const rest = done.subspan(count);
        if (rest.empty()) { return count; }
        auto const more = inner_.reap(rest, count == 0 ? wait : wait.zero());
        for (auto*& each : rest.first(more)) { each = finish(each); }
        return count + more;
    }
    void interrupt() noexcept { inner_.interrupt(); }
    [[nodiscard]] std::size_t in_flight_max() const noexcept { return in_flight_max_of(inner_); }

    [[nodiscard]] int sync(file& f) noexcept {
        if (auto const wrong = faults_->next(io_call::sync)) { return wrong->error; }
        return inner_.sync(f);
    }
    [[nodiscard]] int resize(file& f, std::uint64_t bytes) noexcept {
        if (auto const wrong = faults_->next(io_call::resize)) { return wrong->error; }
        return inner_.resize(f, bytes);
    }
    [[nodiscard]] int close(file& f) noexcept {
        int const failed = inner_.close(f);
        auto const wrong = faults_->next(io_call::close);
        return wrong ? wrong->error : failed;
    }

private:
    void require_opens(char const* operation, open_request const& request) {
        if (auto const wrong = faults_->next(io_call::open)) {
            throw error{errc::open_failed, operation + request.path, page_id::none(),
                        wrong->error};
        }
    }

    /// How many of `ops` are sound, from the first on, and what is wrong with the one behind them.
    [[nodiscard]] std::pair<std::size_t, std::optional<fault>> sound_ops(
        std::span<op* const> ops) noexcept {
        for (std::size_t sound = 0; sound < ops.size(); ++sound) {
            bool const reads = ops[sound]->verb == io_verb::read;
            auto const wrong = faults_->next(reads ? io_call::read : io_call::write);
            if (wrong) { return {sound, wrong}; }
        }
        return {ops.size(), std::nullopt};
    }
    /// Moves the `count` pointers at `at`, whose ops are complete, to `front`, which moves on.
    static void bring_forward(std::span<op*> ops, std::size_t& front, std::size_t at,
                              std::size_t count) noexcept {
        auto const place = [&](std::size_t i) {
            return ops.begin() + static_cast<std::ptrdiff_t>(i);
        };
        std::rotate(place(front), place(at), place(at + count));
        front += count;
    }

    /// An op of the inner backend that takes the place of a faulty one.
    struct record {
        op inner;
        op* outer;
        fault wrong;
        detail::aligned_bytes copy{};
    };

    /// Begins a faulty op; true when it is complete.
    bool begin(op& outer, fault const& wrong) noexcept {
        if (wrong.what == io_fault::fails) {
            outer.error = wrong.error;
            return true;
        }
        try {
            if (wrong.what == io_fault::delays) {
                delay(outer);
                return false;
            }
            auto made = std::make_unique<record>(record{outer, &outer, wrong});
            if (change(*made)) { return begin(std::move(made)); }
            outer.error = result(*made);
        } catch (std::bad_alloc const&) {
            outer.error = ENOMEM;
        } catch (std::exception const&) { outer.error = EIO; }
        return true;
    }
    bool begin(std::unique_ptr<record> made) {
        auto* inner = &made->inner;
        {
            std::lock_guard const hold{mutex_};
            records_.emplace(inner, std::move(made));
        }
        bool const complete = inner_.submit({&inner, 1}) == 1;
        if (complete) { static_cast<void>(finish(inner)); }
        return complete;
    }
    void delay(op& outer) {
        {
            std::lock_guard const hold{mutex_};
            delayed_.push_back(&outer);
        }
        inner_.interrupt();  // see I2
    }

    /// Puts the fault into the op that is to be submitted; false when nothing is left to transfer.
    [[nodiscard]] static bool change(record& r) {
        auto& bytes = r.inner.bytes;
        auto const page = bytes.size();
        if (r.wrong.what == io_fault::shortens) {
            bytes = bytes.first(page / 1024 * 512);
            r.inner.error = 0;
        } else if (r.wrong.what == io_fault::corrupts && r.inner.verb == io_verb::write) {
            r.copy = detail::make_aligned(page);
            std::copy(bytes.begin(), bytes.end(), r.copy.get());
            bytes = {r.copy.get(), page};
            flip_bit(bytes);
        } else if (r.wrong.what == io_fault::misdirects && r.inner.offset >= page) {
            r.inner.offset -= page;
        } else if (r.wrong.what == io_fault::misdirects && r.inner.file->size() >= 2 * page) {
            r.inner.offset += page;
        }
        return !bytes.empty();
    }
    static void flip_bit(std::span<std::byte> bytes) noexcept {
        bytes[bytes.size() / 2] ^= std::byte{0x10};
    }
    /// The error of the faulty op, when its transfer is over.
    [[nodiscard]] static int result(record const& r) noexcept {
        int const failed = r.inner.error;
        if (r.wrong.what != io_fault::shortens) { return failed; }
        bool const too_small = failed == EINVAL;  // a device of larger sectors moves none
        if (failed != 0 && !too_small) { return failed; }
        return r.inner.verb == io_verb::read ? io_ended : r.wrong.error;
    }

    /// What is handed out for an op that the inner backend has handed out.
    [[nodiscard]] op* finish(op* inner) noexcept {
        std::unique_lock hold{mutex_};
        auto const found = records_.extract(inner);
        hold.unlock();
        if (found.empty()) { return inner; }
        auto const& r = *found.mapped();
        if (r.wrong.what == io_fault::corrupts && r.inner.verb == io_verb::read &&
            r.inner.error == 0) {
            flip_bit(r.outer->bytes);
        }
        r.outer->error = result(r);
        return r.outer;
    }

    /// Begins as many delayed ops as `done` has room for; to `done` those that are complete then.
    std::size_t begin_delayed(std::span<op*> done) noexcept {
        std::size_t complete = 0;
        for (std::size_t begun = 0; begun < done.size(); ++begun) {
            op* late = nullptr;
            {
                std::lock_guard const hold{mutex_};
                if (delayed_.empty()) { return complete; }
                late = delayed_.front();
                delayed_.pop_front();
            }
            if (inner_.submit({&late, 1}) == 1) { done[complete++] = late; }
        }
        return complete;
    }

    Inner inner_;
    std::shared_ptr<fault_plan> faults_;
    std::mutex mutex_;  // guards what follows
    std::map<op*, std::unique_ptr<record>> records_;
    std::deque<op*> delayed_;
};

}  // namespace quire::inline QUIRE_ABI::testing
