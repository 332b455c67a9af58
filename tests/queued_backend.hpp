// SPDX-License-Identifier: BSL-1.0
#pragma once

/// queued_backend: a backend whose ops are complete only in `reap`, for tests.
///
///     auto script = std::make_shared<quire_test::queue_script>();
///     quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch, quire_test::queued_backend<>>
///         pool{{.backend = {.inner = {}, .script = script}}};
///     script->close_gate();      // from now on nothing is handed out by reap
///     ...                        // a thread starts a load, and waits
///     script->open_gate();       // the thread that waits in reap goes on
///
/// `submit` puts every op in one queue, which all threads share. `reap` takes at most `done.size()`
/// ops from it, does their transfers by the inner backend in the reaping thread, and hands them
/// out. So an op's bytes move only in `reap`. While the gate is closed `reap` takes nothing.
///
///   reap returns at once    when the gate is open, or the queue is empty, or after interrupt()
///   reap waits              when the gate is closed and the queue is not empty: until the gate is
///                           opened, interrupt() is called, or `wait` is over
///
/// Every `reap` uses up a call of interrupt(), even a reap that would not have waited: no backend
/// may promise less.
///
/// Expects: the inner backend completes every op in `submit`. A script serves one backend.
/// Threads: as file_backend says. A script may be changed at any time, except `entering_reap`: set
/// that when no thread uses the backend. It is called without a lock, so it may use the script.

#include <quire/io/memory_backend.hpp>

#include "random.hpp"

#include <algorithm>           // std::max
#include <atomic>              // std::atomic
#include <condition_variable>  // std::condition_variable
#include <cstdlib>             // std::abort
#include <deque>               // std::deque
#include <functional>          // std::function
#include <memory>              // std::shared_ptr
#include <mutex>               // std::mutex
#include <utility>             // std::swap

namespace quire_test {

enum class hand_out_order : std::uint8_t { in_order, reversed, shuffled };

/// What a queued_backend does, and what it has seen. Shared by a test and its backend.
class queue_script {
public:
    struct settings {
        hand_out_order order = hand_out_order::in_order;
        std::uint64_t seed = 1;  ///< of the shuffled order
        /// Every such op is complete in `submit`, whatever the gate; 1: every op; 0: none.
        std::uint64_t complete_every = 0;
    };

    queue_script() = default;
    explicit queue_script(settings const& given) : settings_{given}, random_{given.seed} {}

    void close_gate() {
        std::lock_guard const hold{mutex_};
        open_ = false;
    }
    void open_gate() {
        std::lock_guard const hold{mutex_};
        open_ = true;
        changed_.notify_all();
    }

    /// Called by each thread that enters `reap`, before the reap does anything.
    std::function<void()> entering_reap{};

    /// Calls so far.
    [[nodiscard]] std::uint64_t submits() const { return submits_; }
    [[nodiscard]] std::uint64_t reaps() const { return reaps_; }
    /// Reaps that have waited; those that are waiting now count.
    [[nodiscard]] std::uint64_t waits() const { return waits_; }
    [[nodiscard]] std::uint64_t interrupts() const { return interrupts_; }
    /// Reaps that began while another one ran. The pool's promise is that there are none.
    [[nodiscard]] std::uint64_t overlapping_reaps() const { return overlaps_; }
    /// Ops that are submitted and not handed out: now, and at most.
    [[nodiscard]] std::size_t in_flight() const {
        std::lock_guard const hold{mutex_};
        return in_flight_;
    }
    [[nodiscard]] std::size_t in_flight_max() const {
        std::lock_guard const hold{mutex_};
        return in_flight_max_;
    }

private:
    template <class Inner>
    friend class queued_backend;

    mutable std::mutex mutex_;  // guards what is no atomic, and the backend's queue
    std::condition_variable changed_;
    settings settings_{};
    generator random_{1};
    bool open_ = true;
    bool interrupted_ = false;
    std::size_t in_flight_ = 0;
    std::size_t in_flight_max_ = 0;
    std::uint64_t ops_ = 0;
    std::atomic<std::uint64_t> submits_{0};
    std::atomic<std::uint64_t> reaps_{0};
    std::atomic<std::uint64_t> waits_{0};
    std::atomic<std::uint64_t> interrupts_{0};
    std::atomic<std::uint64_t> overlaps_{0};
    std::atomic<int> reaping_{0};
};

template <class Inner = quire::memory_backend>
class queued_backend {
public:
    using file = typename Inner::file;
    using op = quire::io_op<file>;
    struct options {
        typename Inner::options inner{};
        /// None: in order, with the gate open.
        std::shared_ptr<queue_script> script{};
    };

    explicit queued_backend(std::span<std::byte> arena, options const& given)
        : inner_{arena, given.inner},
          script_{given.script != nullptr ? given.script : std::make_shared<queue_script>()} {}

    [[nodiscard]] file open(quire::open_request const& request) { return inner_.open(request); }
    [[nodiscard]] file adopt(int fd, quire::open_request const& request)
        requires quire::adopting_backend<Inner>
    {
        return inner_.adopt(fd, request);
    }

    std::size_t submit(std::span<op*> ops) noexcept {
        auto& s = *script_;
        ++s.submits_;
        std::size_t now = 0;  // in front: those that are complete in this call
        {
            std::lock_guard const hold{s.mutex_};
            for (auto& each : ops) {
                auto const every = s.settings_.complete_every;
                if (++s.ops_; every != 0 && s.ops_ % every == 0) {
                    std::swap(ops[now++], each);
                } else {
                    queue_.push_back(each);
                }
            }
            s.in_flight_ += ops.size();
            s.in_flight_max_ = std::max(s.in_flight_max_, s.in_flight_);
            s.changed_.notify_all();
        }
        transfer(ops.first(now));
        return now;
    }

    std::size_t reap(std::span<op*> done, std::chrono::nanoseconds wait) noexcept {
        auto& s = *script_;
        if (s.entering_reap) { s.entering_reap(); }
        ++s.reaps_;
        if (s.reaping_++ > 0) { ++s.overlaps_; }
        auto const taken = done.first(take(done, wait));
        transfer(taken);
        --s.reaping_;
        return taken.size();
    }

    /// No limit.
    [[nodiscard]] std::size_t in_flight_max() const noexcept { return ~std::size_t{0}; }

    void interrupt() noexcept {
        auto& s = *script_;
        ++s.interrupts_;
        std::lock_guard const hold{s.mutex_};
        s.interrupted_ = true;
        s.changed_.notify_all();
    }

    [[nodiscard]] int sync(file& f) noexcept { return inner_.sync(f); }
    [[nodiscard]] int resize(file& f, std::uint64_t bytes) noexcept {
        return inner_.resize(f, bytes);
    }
    [[nodiscard]] int close(file& f) noexcept { return inner_.close(f); }

private:
    /// Takes ops from the queue to `done`, after the wait that the note describes.
    std::size_t take(std::span<op*> done, std::chrono::nanoseconds wait) noexcept {
        auto& s = *script_;
        std::unique_lock hold{s.mutex_};
        auto const goes_on = [&] { return s.open_ || queue_.empty() || s.interrupted_; };
        if (!goes_on() && wait > wait.zero()) {
            ++s.waits_;
            constexpr std::chrono::nanoseconds longest = std::chrono::hours{1};
            s.changed_.wait_for(hold, std::min(wait, longest), goes_on);
        }
        s.interrupted_ = false;
        std::size_t count = 0;
        while (s.open_ && count < done.size() && !queue_.empty()) { done[count++] = next(); }
        return count;
    }
    /// Takes the op whose turn it is. The script's mutex is held.
    op* next() noexcept {
        auto& s = *script_;
        std::size_t at = 0;
        if (s.settings_.order == hand_out_order::reversed) { at = queue_.size() - 1; }
        if (s.settings_.order == hand_out_order::shuffled) { at = s.random_.below(queue_.size()); }
        auto* const taken = queue_[at];
        queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(at));
        return taken;
    }
    /// Does `ops` one by one: in the order of their hand-out they are not sorted.
    void transfer(std::span<op*> ops) noexcept {
        for (auto*& each : ops) {
            if (inner_.submit({&each, 1}) != 1) { std::abort(); }  // see Expects
        }
        std::lock_guard const hold{script_->mutex_};
        script_->in_flight_ -= ops.size();
    }

    Inner inner_;
    std::shared_ptr<queue_script> script_;
    std::deque<op*> queue_;  // guarded by the script's mutex
};

static_assert(quire::file_backend<queued_backend<>>);

}  // namespace quire_test
