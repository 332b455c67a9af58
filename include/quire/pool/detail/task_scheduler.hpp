// SPDX-License-Identifier: BSL-1.0
#pragma once

/// task_scheduler: whose turn it is, of coroutines that wait for pages.
///
/// A fetch is in one place at a time:
///
///     wanted ──its read begins, or runs──> pending ──its load is over──> ready ──> resumed
///      │  ↑↓ could not be started: refused                                  ↑
///      └──it is resident────────────────────────────────────────────────────┘
///
/// A step starts what is wanted once 8 pages are, or nothing is ready (one submit for many), or 16
/// coroutines were resumed since; and resumes one coroutine. With none ready it waits until a page
/// arrives, and finishes transfers meanwhile, as every wait of the pool does.
///
/// A fetch is refused when no frame was at hand, no record was free, or a thread has the page
/// exclusively. Those that were refused are tried first, one by one in their order, so that none is
/// passed over for ever by others with lower page numbers. With nothing ready, and frames missing,
/// this thread writes a batch of dirty pages, and tries once more. If that does not help, and
/// nothing is pending that could, or has not for a while, the oldest is read as a blocking access
/// does it: with that one's waits, and its errors. So is each page over a backend without transfers
/// in flight.
///
/// Invariants
///   I1. Of this, other threads touch `arrived_` alone: they push on it, and then wake.
///   I2. A fetch that ends leaves its list. One that is pending is given up before.
///
/// Threads: one at a time.

#include <quire/pool/detail/awaited_page.hpp>
#include <quire/pool/guard.hpp>
#include <quire/pool/task.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <class Core>
class page_fetch;

template <class Core>
class task_scheduler : public task_turns {
public:
    using fetch_type = page_fetch<Core>;

    explicit task_scheduler(Core& core) noexcept : task_turns{&core}, core_{core} {
        core_.task_loops.fetch_add(1, std::memory_order_relaxed);
    }
    ~task_scheduler() {
        while (!tasks_.empty()) { tasks_.front().coroutine.destroy(); }
        QUIRE_EXPECTS(!has_work(), "a task_loop ends after the coroutines that fetch by it");
        if (core_.memory().inherited()) { return; }
        core_.task_loops.fetch_sub(1, std::memory_order_relaxed);
    }

    /// Tasks that are not over.
    [[nodiscard]] std::size_t tasks() const noexcept { return task_count_; }
    /// Fetches that suspended their coroutine, and those of them that were not in flight beside
    /// others, since the thread waited for each by itself.
    [[nodiscard]] std::uint64_t fetches() const noexcept { return fetches_; }
    [[nodiscard]] std::uint64_t blocking_fetches() const noexcept { return blocking_fetches_; }
    /// Whether a coroutine can be resumed, now or later.
    [[nodiscard]] bool has_work() const noexcept {
        return !ready_.empty() || !wanted_.empty() || !refused_.empty() || !pending_.empty();
    }

    /// A task that begins when its turn comes.
    void add(std::coroutine_handle<> coroutine, task_promise_base& promise) noexcept {
        promise.run_in(this);
        promise.in_loop.coroutine = promise.turn.coroutine = coroutine;
        tasks_.push(promise.in_loop);
        ready_.push(promise.turn);
        ++task_count_;
    }
    /// Until `over()`, a step at a time. Throws what a task ended with; then it may be called
    /// again.
    template <class Over>
    void run(Over over) {
        QUIRE_EXPECTS(!std::exchange(runs_, true),
                      "one thread runs a task_loop, and not from inside");
        struct ending {
            bool& runs;
            ~ending() { runs = false; }
        } const at_the_end{runs_};
        core_.expect_holds_nothing(holds_none);
        cancellation_off const meanwhile;
        while (!over()) { step(); }
    }
    [[nodiscard]] bool runs() const noexcept { return runs_; }

    /// The coroutine of `one` is suspended.
    void want(fetch_type& one) noexcept {
        wanted_.push(one);
        ++fetches_;
        ++untried_;
    }
    /// A page of `one` has arrived. Any thread. See I1.
    void arrived(fetch_type& one) noexcept {
        auto& transfers = core_.transfers;
        auto const mine = key();
        auto* next = arrived_.load(std::memory_order_relaxed);
        do {
            one.next_arrived = next;
        } while (!arrived_.compare_exchange_weak(next, &one, std::memory_order_seq_cst,
                                                 std::memory_order_relaxed));
        transfers.wake(mine);
    }
    /// `one` ends before its turn has come. See I2.
    void forget(fetch_type& one) noexcept {
        if (!core_.memory().inherited()) {
            one.stop_listening();
            take_arrived();
        }
        one.unlink();
    }

    static constexpr char const* holds_none =
        "a task that waits, and a thread that runs tasks, hold no guard of the pool";

private:
    static constexpr std::size_t batch_max = decltype(std::declval<Core&>().ahead)::batch_max;
    static constexpr std::size_t few = 8;          ///< one submit; 16 let the device run dry
    static constexpr std::size_t turns_max = 16;   ///< before it looks at transfers
    static constexpr std::size_t patience = 16;    ///< waits in vain before a page is read at once
    static constexpr std::chrono::nanoseconds pause = std::chrono::milliseconds{1};

    struct candidate {
        page_id page{};
        fetch_type* fetch = nullptr;

        friend bool operator<(candidate const& a, candidate const& b) noexcept {
            return a.page < b.page;
        }
    };

    [[nodiscard]] wake_key key() const noexcept { return wake_key::of(this); }

    void step() {
        core_.require_own_process("run tasks");
        take_arrived();
        if (untried_ >= few || ready_.empty() || ++turns_ >= turns_max) {
            if (turns_ >= turns_max) { core_.transfers.reap_complete(); }
            start_wanted();
        }
        if (!ready_.empty()) {
            resume_next();
        } else if (refused_.empty()) {
            QUIRE_EXPECTS(!pending_.empty(), "a task waits for pages of its loop's pool, or for "
                                             "another task, and for nothing else");
            wait_for_arrival(deadline::max());
        } else if (!cleans()) {
            if (pending_.empty() || ++vain_ > patience) {
                read_at_once(refused_.front());
            } else {
                wait_for_arrival(deadline_after(pause));
            }
        }
    }
    void resume_next() {
        resume(ready_.pop().coroutine);
        if (auto* const over = take_over()) {
            auto const failure = over->failure();
            --task_count_;
            over->in_loop.coroutine.destroy();
            if (failure != nullptr) { std::rethrow_exception(failure); }
        }
    }
    void wait_for_arrival(deadline until) noexcept {
        static_cast<void>(core_.transfers.wait(until, key(), [&] {
            return arrived_.load(std::memory_order_seq_cst) != nullptr;
        }));
    }

    /// In the order of their arrival.
    void take_arrived() noexcept {
        if (arrived_.load(std::memory_order_relaxed) == nullptr) { return; }
        fetch_type* in_order = nullptr;
        for (auto* one = arrived_.exchange(nullptr, std::memory_order_seq_cst); one != nullptr;) {
            auto* const next = std::exchange(one->next_arrived, in_order);
            in_order = std::exchange(one, next);
        }
        for (; in_order != nullptr; in_order = in_order->next_arrived) {
            if (in_order->settle()) {
                ready_.push(*in_order);
            } else {
                wanted_.push(*in_order);
                ++untried_;
            }
        }
    }

    /// Starts the first of what was refused, and then of what is wanted.
    void start_wanted() noexcept {
        untried_ = turns_ = 0;
        frames_are_missing_ = false;
        std::size_t tries = batch_max;
        fetch_type const* put_back = nullptr;  // the first one, which comes round again
        refused_.for_each([&](fetch_type& one) {
            if (&one == put_back) { return false; }
            candidate const alone{one.id(), &one};
            start_of_one_file({&alone, 1});
            if (has_started(one)) {
                cleaned_ = false;
                vain_ = 0;
            } else if (one.is_resident()) {
                if (put_back == nullptr) { put_back = &one; }
                refused_.push(one);  // which waits for a thread: the others need not
            } else if (!one.has_limit()) {
                return false;  // there is no frame, or no record, for any
            }
            return --tries > 0;
        });
        std::array<candidate, batch_max> first;
        std::size_t count = 0;
        wanted_.for_each([&](fetch_type& one) {
            first[count++] = {one.id(), &one};
            return count < first.size();
        });
        auto const batch = std::span{first}.first(count);
        sort_ascending(batch);
        for (auto rest = batch; !rest.empty();) { rest = rest.subspan(start_of_one_file(rest)); }
        wanted_.for_each([&](fetch_type& one) {
            if (!has_started(one)) { refused_.push(one); }
            return --count > 0;
        });
    }
    /// Puts `one` where it belongs after a start; false: it is refused.
    [[nodiscard]] bool has_started(fetch_type& one) noexcept {
        if (one.is_listening()) {
            pending_.push(one);
        } else if (one.try_pin()) {
            ready_.push(one);
        } else if (!core_.ahead.overlaps() || !one.can_be_read()) {
            read_at_once(one);
        } else {
            return false;
        }
        return true;
    }
    /// How many they were.
    std::size_t start_of_one_file(std::span<candidate const> batch) noexcept {
        std::array<wanted_page, batch_max> pages;
        std::size_t count = 0;
        for (auto const& [page, fetch] : batch) {
            if (page.file() != batch.front().page.file()) { break; }
            pages[count++] = {page, &fetch->listen()};
        }
        auto const outcome = core_.ahead.start(batch.front().fetch->file().slot(),
                                               std::span{pages}.first(count), recycle_none);
        frames_are_missing_ =
            frames_are_missing_ ||
            (outcome.without_frame > 0 && core_.evictor.free_frames().count() == 0);
        return count;
    }

    /// Whether frames were missing, and dirty pages could be written. Once, until a fetch that was
    /// refused starts: pages that are pinned may be written, and become dirty again.
    [[nodiscard]] bool cleans() {
        return frames_are_missing_ && !std::exchange(cleaned_, true) &&
               core_.evictor.clean_ahead() > 0;
    }
    void read_at_once(fetch_type& one) noexcept {
        ++blocking_fetches_;
        cleaned_ = false;
        vain_ = 0;
        one.pin_now();
        ready_.push(one);
    }

    Core& core_;
    link_queue<suspended> tasks_;
    std::size_t task_count_ = 0;
    link_queue<suspended> ready_;
    link_queue<fetch_type> wanted_;
    std::size_t untried_ = 0;          ///< wanted since the last start
    std::size_t turns_ = 0;            ///< coroutines resumed since then
    bool frames_are_missing_ = false;  ///< at the last start
    bool cleaned_ = false;             ///< for what is refused now
    link_queue<fetch_type> refused_;
    link_queue<fetch_type> pending_;
    std::atomic<fetch_type*> arrived_{nullptr};  ///< a stack of pending ones
    std::size_t vain_ = 0;
    std::uint64_t fetches_ = 0;
    std::uint64_t blocking_fetches_ = 0;
    bool runs_ = false;
};

/// What `co_await file.fetch(no)` waits with.
template <class Core>
class [[nodiscard("a fetch begins when it is awaited: co_await it")]] page_fetch
    : public awaited_page<Core>, public suspended {
    using page_type = awaited_page<Core>;
    using scheduler_type = task_scheduler<Core>;
    using residency_type = decltype(std::declval<Core&>().resident);

public:
    /// For a coroutine that `of` is to resume; when null, for one of a task_loop.
    page_fetch(file_ref<Core> const& file, page_no no, access_options const& how,
               scheduler_type* of = nullptr) noexcept
        : page_type{file, no,
                    [](page_type& self) noexcept {
                        auto& fetch = static_cast<page_fetch&>(self);
                        fetch.scheduler_->arrived(fetch);
                    }},
          how_{how},
          scheduler_{of} {}
    ~page_fetch() {
        if (waits_) { scheduler_->forget(*this); }
    }

    [[nodiscard]] bool await_ready() noexcept {
        this->file().core().expect_holds_nothing(scheduler_type::holds_none);
        return this->try_pin();
    }
    /// False: it goes on at once. Errors: of a page of another pool, those of `take`.
    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> of) {
        if constexpr (task_like<Promise>) {
            QUIRE_EXPECTS(scheduler_ == nullptr || scheduler_ == of.promise().turns(),
                          "a task fetches by its own loop: co_await file.fetch(no)");
            if (scheduler_ == nullptr) { scheduler_ = of_this_pool(of.promise().turns()); }
        } else {
            QUIRE_EXPECTS(scheduler_ != nullptr,
                          "co_await file.fetch(no) is for quire::task; a coroutine of another "
                          "type awaits loop.fetch(file, no)");
        }
        if (scheduler_ == nullptr) {
            pin_now();
            return false;
        }
        coroutine = of;
        waits_ = true;
        scheduler_->want(*this);
        return true;
    }
    [[nodiscard]] page_pin<Core> await_resume() {
        waits_ = false;
        return this->take();
    }

    void pin_now() noexcept { page_type::pin_now(how_); }
    /// Of one that could not be pinned: a thread has the page exclusively.
    [[nodiscard]] bool is_resident() const noexcept {
        auto const& slot = this->file().slot();
        return residency_type::entry_of(slot, this->id().page()).is_frame();
    }
    [[nodiscard]] bool has_limit() const noexcept {
        return this->file().slot().frames_max != 0;
    }
    [[nodiscard]] bool can_be_read() const noexcept {
        return this->file().slot().has_page(this->id().page());
    }
    [[nodiscard]] access_options const& how() const noexcept { return how_; }

    page_fetch* next_arrived = nullptr;

private:
    /// Null for a task in the loop of another pool, which waits by itself.
    [[nodiscard]] scheduler_type* of_this_pool(task_turns* turns) const noexcept {
        bool const is = turns->pool() == &this->file().core();
        return is ? static_cast<scheduler_type*>(turns) : nullptr;
    }

    access_options const how_;
    scheduler_type* scheduler_;
    bool waits_ = false;
};

/// What `co_await file.async_read<View>(no)` waits with.
template <class Core, class Guard>
class guard_fetch : public page_fetch<Core> {
public:
    using page_fetch<Core>::page_fetch;

    [[nodiscard]] Guard await_resume() {
        auto const held = page_fetch<Core>::await_resume();
        return Guard(this->file(), this->id().page(), this->how());
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
