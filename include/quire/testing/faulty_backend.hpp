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
/// The third write from now stops half-way. To try every place where a thing can fail, do it with
/// nth = 0, 1, 2, ... until `fired()` stays 0: then it has no such call left.
///
///   fault        read                          write
///   fails        nothing is read               nothing is written                 -> `error`
///   shortens     half of it, -> io_ended       half of it, -> `error`
///   interrupts   it and all that follow in its submit: nothing is done            -> EINTR
///   corrupts     one bit is another            one bit arrives as another         -> 0
///   misdirects   a neighbouring page is read   a neighbouring page is written     -> 0
///   delays       complete only by a later reap
///
/// In open (throws open_failed), sync, resize and close the first is all there is, whatever was
/// asked for; what is closed is closed all the same. Halves are of whole 512-byte sectors. A page
/// of which half was written is the device's business, as after a loss of power.
///
/// What is corrupted or misdirected looks like success: it is what a page's seal is for. A file of
/// one page has no neighbour: there nothing goes wrong. Of two faults that are due at one call the
/// second comes at the next; what an interrupt ends is not counted as calls.
///
/// Threads: any, as the inner backend. A plan may be shared by backends, and changed at any time.
/// An inner backend that takes only its arena's memory cannot be given corrupted writes.

#include <quire/io/file_backend.hpp>
#include <quire/testing/detail/aligned_bytes.hpp>

#include <algorithm>  // std::copy
#include <array>      // std::array
#include <cerrno>     // EIO, EINTR, ENOMEM
#include <mutex>      // std::mutex
#include <optional>   // std::optional
#include <utility>    // std::exchange
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
    /// 0: once. Else that call and each that comes by this many later; 1: from then on.
    std::uint64_t every = 0;
};

/// The faults that are to happen, and how many have. Shared by a test and its backends.
class fault_plan {
public:
    void add(fault const& f) {
        std::lock_guard const hold{mutex_};
        planned_.push_back({f, calls_[static_cast<std::size_t>(f.call)] + f.nth});
    }
    /// No more faults. What was counted stays.
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

    void submit(std::span<io_op<file>> ops) noexcept {
        while (!ops.empty()) {
            std::size_t sound = 0;
            std::optional<fault> wrong;
            while (sound < ops.size() && !wrong) {
                bool const reads = ops[sound].verb == io_verb::read;
                wrong = faults_->next(reads ? io_call::read : io_call::write);
                if (!wrong) { ++sound; }
            }
            if (sound > 0) { inner_.submit(ops.first(sound)); }
            if (!wrong) { return; }
            ops = ops.subspan(sound);
            if (wrong->what == io_fault::interrupts) {
                for (auto& op : ops) { finish(op, EINTR); }
                return;
            }
            transfer(ops.front(), *wrong);
            ops = ops.subspan(1);
        }
    }

    [[nodiscard]] std::size_t reap(std::chrono::nanoseconds wait) noexcept {
        std::vector<io_op<file>*> mine;
        {
            std::lock_guard const hold{mutex_};
            mine = std::exchange(delayed_, {});
        }
        for (auto* op : mine) { finish(*op, done(*op)); }
        return mine.size() + inner_.reap(mine.empty() ? wait : wait.zero());
    }

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

    static void finish(io_op<file>& op, int result) noexcept {
        op.error = result;
        op.complete = true;
    }

    /// The error of a transfer like `op` by the inner backend, when it is complete.
    [[nodiscard]] int done(io_op<file> op) noexcept {
        op.complete = false;
        submit_and_wait(inner_, std::span{&op, 1});
        return op.error;
    }

    void transfer(io_op<file>& op, fault const& wrong) noexcept {
        switch (wrong.what) {
            case io_fault::shortens: return finish(op, shortened(op, wrong.error));
            case io_fault::corrupts: return finish(op, corrupted(op));
            case io_fault::misdirects: return finish(op, misdirected(op));
            case io_fault::delays: return delay(op);
            case io_fault::fails:
            case io_fault::interrupts: break;
        }
        finish(op, wrong.error);
    }

    [[nodiscard]] int shortened(io_op<file> op, int error) noexcept {
        op.bytes = op.bytes.first(op.bytes.size() / 1024 * 512);
        int const failed = op.bytes.empty() ? 0 : done(op);
        bool const too_small = failed == EINVAL;  // a device of larger sectors moves none
        if (failed != 0 && !too_small) { return failed; }
        return op.verb == io_verb::read ? io_ended : error;
    }
    [[nodiscard]] int corrupted(io_op<file> op) noexcept {
        auto const wrong = op.bytes.size() / 2;
        constexpr std::byte bit{0x10};
        if (op.verb == io_verb::read) {
            int const failed = done(op);
            if (failed == 0) { op.bytes[wrong] ^= bit; }
            return failed;
        }
        try {
            auto const copy = detail::make_aligned(op.bytes.size());
            std::copy(op.bytes.begin(), op.bytes.end(), copy.get());
            op.bytes = {copy.get(), op.bytes.size()};
            op.bytes[wrong] ^= bit;
            return done(op);
        } catch (std::bad_alloc const&) { return ENOMEM; }
    }
    [[nodiscard]] int misdirected(io_op<file> op) noexcept {
        auto const page = op.bytes.size();
        try {
            if (op.offset >= page) {
                op.offset -= page;
            } else if (op.file->size() >= 2 * page) {
                op.offset += page;
            }
        } catch (std::exception const&) { return EIO; }
        return done(op);
    }
    void delay(io_op<file>& op) noexcept {
        try {
            std::lock_guard const hold{mutex_};
            delayed_.push_back(&op);
        } catch (std::bad_alloc const&) { finish(op, ENOMEM); }
    }

    Inner inner_;
    std::shared_ptr<fault_plan> faults_;
    std::mutex mutex_;
    std::vector<io_op<file>*> delayed_;
};

}  // namespace quire::inline QUIRE_ABI::testing
