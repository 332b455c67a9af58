// SPDX-License-Identifier: BSL-1.0
#pragma once

/// task_loop: many tasks in one thread, each of which waits for its own pages.
///
///     quire::task<> lookup(file_type file, quire::page_no no) {
///         auto page = co_await file.async_read<heap_page>(no);
///         ...
///     }
///     quire::task_loop loop{pool, {.in_flight = 64}};
///     for (auto const no : numbers) { loop.spawn(lookup(file, no)); }
///     loop.run();
///
/// While one task waits for a page, the others run; so over uring_backend one thread has many reads
/// in flight, of pages that nobody knew before. Over a backend without transfers in flight the
/// tasks take turns, and nothing runs beside anything.
///
/// Tasks begin in the order in which they were spawned; from then on the order is that of their
/// pages' arrival. A task that waits for a page by `file.read`, for a latch, for a flush, or for a
/// page of another pool keeps all others waiting, too.
///
/// Errors: what a task ends with is thrown by `run`, or by the `spawn` that ran it. The other tasks
/// stay as they are: call `run` again. A page for which there is no frame waits while other tasks
/// go on; when none can, it is errc::no_free_frame to the task that wanted its page first.
///
/// Frames. Reads under way have at most an eighth of the frames, so that 64 tasks are served best
/// by a pool of 512 or more; and each pin that a task keeps takes one. Pages of a file that has its
/// frames_max are read one by one.
///
/// A thread that runs a loop holds no guard of the pool, cannot be cancelled (pthread_cancel)
/// meanwhile, and does not call `run` again from a task.
/// Lifetime: must not outlive the pool, whose destructor checks it. The end of a loop ends its
/// tasks where they wait. In a forked child it may only end.
/// Threads: one at a time; another thread may have a loop of its own over the same pool.

#include <quire/pool/buffer_pool.hpp>
#include <quire/pool/task.hpp>

namespace quire::inline QUIRE_ABI {

struct task_loop_options {
    std::size_t in_flight = 64;  ///< tasks that are not over, as `spawn` limits them; to 16,384
};

/// Sums since the loop was made.
struct task_loop_stats {
    std::uint64_t fetches = 0;           ///< that suspended a task, since the page was not there
    std::uint64_t blocking_fetches = 0;  ///< of them, those that kept the other tasks waiting
};

template <class Pool>
class task_loop : immovable {
    static_assert(pinning<typename Pool::core_type::latch_type>,
                  "tasks need a latch that can pin a page: quire::hybrid_latch, or a model of "
                  "quire::pinning");

public:
    /// Errors: bad_option.
    explicit task_loop(Pool& pool, task_loop_options const& options = {})
        : options_{checked(options)}, scheduler_{pool.core_} {}

    /// Adds a task. With more than `in_flight`, runs them until one is over. Spawned by a task, it
    /// is added whatever their number.
    /// Errors: those of a task that is run meanwhile; this one is added all the same.
    void spawn(task<> added) {
        auto const coroutine = added.release();
        scheduler_.add(coroutine, coroutine.promise());
        if (!scheduler_.runs()) {
            scheduler_.run([&] { return scheduler_.tasks() <= options_.in_flight; });
        }
    }
    /// Runs until every task is over. Errors: those of a task.
    void run() {
        scheduler_.run([&] { return scheduler_.tasks() == 0 && !scheduler_.has_work(); });
    }

    /// For coroutines of other types: file.fetch(no), resumed by this loop. They are over, or have
    /// been destroyed, before the loop ends.
    template <class File>
    [[nodiscard]] auto fetch(File const& file, page_no no,
                             access_options const& how = {}) noexcept {
        QUIRE_EXPECTS(&file.core() == scheduler_.pool(), "a loop fetches pages of its own pool");
        return detail::page_fetch<typename Pool::core_type>{file, no, how, &scheduler_};
    }

    /// Tasks that are not over.
    [[nodiscard]] std::size_t tasks() const noexcept { return scheduler_.tasks(); }
    [[nodiscard]] task_loop_stats stats() const noexcept {
        return {scheduler_.fetches(), scheduler_.blocking_fetches()};
    }

private:
    [[nodiscard]] static task_loop_options const& checked(task_loop_options const& options) {
        if (options.in_flight == 0 || options.in_flight > 16'384) {
            throw error{errc::bad_option, "make a task_loop: in_flight is 1 to 16,384"};
        }
        return options;
    }

    task_loop_options const options_;
    detail::task_scheduler<typename Pool::core_type> scheduler_;
};

}  // namespace quire::inline QUIRE_ABI
