// SPDX-License-Identifier: BSL-1.0
#pragma once

/// doubles: a backend that stops at a gate, a latch that lets a test step in, a policy that
/// proposes what it is told. With them an interleaving is a test, not a matter of luck.
///
/// gated_backend   memory_backend, whose ops and calls pass a `script` first: an op can be held
///                 until the test lets it go, or fail with an errno
/// hooked<Latch>   a latch that calls a hook of this thread before it is taken; the hook may use
///                 the pool, since nothing is held at that moment
/// told_policy     first in, first out, unless the test names the candidates

#include <quire/evict/eviction_policy.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/latch/hybrid_latch.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace quire_test {

/// What happens to the ops of a gated_backend. Offsets are in bytes; threads: any.
class io_script {
public:
    /// The next op of this kind at `offset` stops before it begins, until `let_go`.
    void hold(quire::io_verb verb, std::uint64_t offset) {
        std::lock_guard const lock{mutex_};
        held_ = {verb, offset};
        state_ = state::armed;
    }
    /// Returns when the op has arrived at the gate.
    void wait_until_held() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return state_ == state::holding; });
    }
    void let_go() {
        std::lock_guard const lock{mutex_};
        state_ = state::open;
        changed_.notify_all();
    }
    /// The next `times` ops of this kind at `offset` fail with `error`.
    void fail(quire::io_verb verb, std::uint64_t offset, int error, int times = 1) {
        std::lock_guard const lock{mutex_};
        failing_ = {verb, offset};
        error_ = error;
        failures_ = times;
    }
    void fail_sync(int error) {
        std::lock_guard const lock{mutex_};
        sync_error_ = error;
    }
    void fail_resize(int error) {
        std::lock_guard const lock{mutex_};
        resize_error_ = error;
    }
    /// Called in the middle of a resize, in the thread that grows the file.
    std::function<void()> during_resize;
    /// Called in the middle of opening `path`, in the thread that opens it.
    std::function<void(std::string const& path)> during_open;
    /// Called in the middle of a sync, in the thread that syncs.
    std::function<void()> during_sync;

    [[nodiscard]] int count(quire::io_verb verb, std::uint64_t offset) {
        std::lock_guard const lock{mutex_};
        return static_cast<int>(
            std::count(seen_.begin(), seen_.end(), key{verb, offset}));
    }
    [[nodiscard]] int syncs() {
        std::lock_guard const lock{mutex_};
        return syncs_;
    }

private:
    friend class gated_backend;
    using key = std::pair<quire::io_verb, std::uint64_t>;
    enum class state { open, armed, holding };

    int pass(quire::io_verb verb, std::uint64_t offset) {
        std::unique_lock lock{mutex_};
        seen_.push_back({verb, offset});
        if (state_ == state::armed && held_ == key{verb, offset}) {
            state_ = state::holding;
            changed_.notify_all();
            changed_.wait(lock, [&] { return state_ == state::open; });
        }
        if (failures_ > 0 && failing_ == key{verb, offset}) {
            --failures_;
            return error_;
        }
        return 0;
    }
    int pass_sync() {
        if (during_sync) { during_sync(); }
        std::lock_guard const lock{mutex_};
        ++syncs_;
        return std::exchange(sync_error_, 0);
    }
    int pass_resize() {
        if (during_resize) { during_resize(); }
        std::lock_guard const lock{mutex_};
        return std::exchange(resize_error_, 0);
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    state state_ = state::open;
    key held_{};
    key failing_{};
    int error_ = 0;
    int failures_ = 0;
    int sync_error_ = 0;
    int resize_error_ = 0;
    int syncs_ = 0;
    std::vector<key> seen_;
};

class gated_backend {
public:
    struct options {
        std::shared_ptr<quire::memory_store> store = std::make_shared<quire::memory_store>();
        std::shared_ptr<io_script> script = std::make_shared<io_script>();
    };
    using file = quire::memory_backend::file;

    gated_backend(std::span<std::byte> arena, options const& given)
        : inner_{arena, {given.store}}, script_{given.script} {}

    file open(quire::open_request const& request) {
        if (script_->during_open) { script_->during_open(request.path); }
        return inner_.open(request);
    }
    std::size_t submit(std::span<quire::io_op<file>*> ops) noexcept {
        for (std::size_t i = 0; i < ops.size(); ++i) {
            int const error = script_->pass(ops[i]->verb, ops[i]->offset);
            if (error == 0) {
                inner_.submit(ops.subspan(i, 1));
            } else {
                ops[i]->error = error;
            }
        }
        return ops.size();
    }
    std::size_t reap(std::span<quire::io_op<file>*>, std::chrono::nanoseconds) noexcept {
        return 0;
    }
    void interrupt() noexcept {}
    int sync(file& f) noexcept {
        int const error = script_->pass_sync();
        return error != 0 ? error : inner_.sync(f);
    }
    int resize(file& f, std::uint64_t bytes) noexcept {
        int const error = script_->pass_resize();
        return error != 0 ? error : inner_.resize(f, bytes);
    }
    int close(file& f) noexcept { return inner_.close(f); }

private:
    quire::memory_backend inner_;
    std::shared_ptr<io_script> script_;
};
static_assert(quire::file_backend<gated_backend>);

/// Where a test steps in. Each hook is used up by its first call.
struct latch_hooks {
    std::function<void()> before_shared;
    std::function<void()> before_exclusive;
    std::function<void()> before_evict;
    std::function<void()> after_unlock;  ///< of an exclusive latch

    static latch_hooks& of_this_thread() {
        static thread_local latch_hooks hooks;
        return hooks;
    }
    static void run(std::function<void()> latch_hooks::*which) {
        if (auto const hook = std::exchange(of_this_thread().*which, nullptr)) { hook(); }
    }
};

/// hybrid_latch with hooks. `Downgrades` chooses whether it models downgradable.
template <bool Downgrades>
class hooked_latch {
public:
    void lock() { inner_.lock(); }
    bool try_lock() {
        latch_hooks::run(&latch_hooks::before_exclusive);
        return inner_.try_lock();
    }
    bool try_lock_for(std::chrono::nanoseconds wait) {
        latch_hooks::run(&latch_hooks::before_exclusive);
        return inner_.try_lock_for(wait);
    }
    void unlock() {
        inner_.unlock();
        latch_hooks::run(&latch_hooks::after_unlock);
    }
    void lock_shared() { inner_.lock_shared(); }
    bool try_lock_shared() {
        latch_hooks::run(&latch_hooks::before_shared);
        return inner_.try_lock_shared();
    }
    bool try_lock_shared_for(std::chrono::nanoseconds wait) {
        latch_hooks::run(&latch_hooks::before_shared);
        return inner_.try_lock_shared_for(wait);
    }
    void unlock_shared() { inner_.unlock_shared(); }
    void downgrade()
        requires Downgrades
    {
        inner_.downgrade();
    }
    void pin() { inner_.pin(); }
    void unpin() { inner_.unpin(); }
    bool try_lock_unpinned() {
        latch_hooks::run(&latch_hooks::before_evict);
        return inner_.try_lock_unpinned();
    }

private:
    quire::hybrid_latch inner_;
};
static_assert(quire::downgradable<hooked_latch<true>> && quire::pinning<hooked_latch<true>>);
static_assert(!quire::downgradable<hooked_latch<false>>);

/// What the policies of this process are told. One pool at a time.
struct policy_orders {
    std::vector<quire::frame_no> candidates;             ///< if any: these, in this order
    std::function<void(quire::frame_no)> on_insert;      ///< called before the insertion
    static policy_orders& current() {
        static policy_orders orders;
        return orders;
    }
};

class told_policy {
public:
    struct frame_state {};
    explicit told_policy(quire::frame_states<frame_state> frames) { held_.resize(frames.size()); }

    void touch(frame_state&) noexcept {}
    void insert(quire::frame_no frame, quire::page_id) noexcept {
        if (policy_orders::current().on_insert) { policy_orders::current().on_insert(frame); }
        held_[quire::index(frame)] = true;
        order_.push_back(frame);
    }
    void remove(quire::frame_no frame, quire::page_id) noexcept {
        held_[quire::index(frame)] = false;
        std::erase(order_, frame);
    }
    [[nodiscard]] bool holds(quire::frame_no frame) const noexcept {
        return held_[quire::index(frame)];
    }
    void search() noexcept { next_ = 0; }
    [[nodiscard]] std::optional<quire::frame_no> propose() noexcept {
        auto const& told = policy_orders::current().candidates;
        auto const& list = told.empty() ? order_ : told;
        while (next_ < list.size()) {
            auto const frame = list[next_++];
            if (holds(frame)) { return frame; }
        }
        return std::nullopt;
    }

private:
    std::vector<bool> held_;
    std::vector<quire::frame_no> order_;
    std::size_t next_ = 0;
};
static_assert(quire::eviction_policy<told_policy>);

}  // namespace quire_test
