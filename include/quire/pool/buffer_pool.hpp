// SPDX-License-Identifier: BSL-1.0
#pragma once

/// buffer_pool: pages of files in frames of memory, read and written in place.
///
///     quire::buffer_pool<> pool{{.frames = 4096}};
///     auto file = pool.open("users.db", quire::open_mode::open_or_create);
///     auto page = file.read<quire::heap_page>(0);
///
/// The four template parameters are page size (a power of two, 512 bytes to 1 MiB), eviction
/// policy, latch, and backend, each constrained by its concept. The default policy, s3_fifo, misses
/// least on most of the traces in bench/README.md; take clock where the pages in use keep changing.
///
/// What it promises
///   - A hit costs one atomic operation to begin and one to end, and allocates nothing; a miss is
///     one read, however many threads want the page, and allocates nothing.
///   - After `flush` returned, every page modified before it is written and synced. A failed write
///     leaves its page dirty, resident and readable; a failed sync stops the file.
///   - A page that its seal refuses is never seen by any caller. Bytes of one file never reach
///     another.
///   - Every wait ends: by I/O, by another thread, or at its deadline.
///   - It belongs to its process: in a forked child every access and every operation throws
///     errc::forked; what only tells (stats, pages, path) tells the state at the fork. Destructors
///     may run there. A guard from before the fork must not be used: the child has no frames.
///   - With a log, changes of several pages of logged files are whole or not at all (change.hpp).
/// What it does not: without a log changes of several pages are not atomic, and a lost write of a
/// lying device is not noticed.
///
/// Lifetime: guards, pins, budgets, streams, task loops, background writers (all checked), requests
/// and handles must not outlive it. Its destructor closes every file; it tells `options.on_loss`
/// what it could not write, and never throws.
/// Threads: any; the constructor and the destructor alone. A thread that is cancelled
/// (pthread_cancel) ends at the beginning of an operation that is no hit, never in its middle. No
/// thread leaves a log hook, an observer or the function of an optimistic read by pthread_exit, or
/// is cancelled in the last.

#include <quire/evict/s3_fifo.hpp>
#include <quire/io/direct_backend.hpp>
#include <quire/pool/detail/file_opening.hpp>
#include <quire/pool/paged_file.hpp>

namespace quire::inline QUIRE_ABI {

template <file_backend Backend>
class redo_log;  // incomplete until you #include <quire/pool/change.hpp>
template <class Pool>
class change;  // incomplete until you #include <quire/pool/change.hpp>
namespace detail {
template <class Core>
class logged_pool;
}

template <std::size_t PageSize = 4096, class Policy = s3_fifo, class Latch = hybrid_latch,
          class Backend = direct_backend>
class buffer_pool : immovable {
    static_assert(pool_page_size<PageSize>,
                  "a pool's page size is a power of two from 512 bytes to 1 MiB");
    static_assert(eviction_policy<Policy>,
                  "the second parameter of buffer_pool models quire::eviction_policy");
    static_assert(page_latch<Latch>, "the third parameter of buffer_pool models quire::page_latch");
    static_assert(file_backend<Backend>,
                  "the fourth parameter of buffer_pool models quire::file_backend");
    using core_type = detail::pool_core<PageSize, Policy, Latch, Backend>;

public:
    static constexpr std::size_t page_size = PageSize;
    using options_type = pool_options<Backend>;
    using file = paged_file<core_type>;
    template <template <class, std::size_t> class View>
    using read_guard = quire::read_guard<core_type, View>;
    template <template <class, std::size_t> class View>
    using write_guard = quire::write_guard<core_type, View>;

    /// Errors: bad_option, out_of_memory.
    explicit buffer_pool(options_type const& options = {}) : core_{options} {}
    /// With a log, for logged files: their changes are whole or not at all, see change.hpp
    /// (#include <quire/pool/change.hpp>, here and for all that needs a log). It is the pool's log
    /// hook, this pool's alone, and outlives it. Errors: log_corrupt, log_failed, too.
    buffer_pool(options_type const& options, redo_log<Backend>& log)
    try : core_{detail::logged_pool<core_type>::with_hook(options, log)} {
        core_.keeper.take(new detail::logged_pool<core_type>{core_, log});
    } catch (std::bad_alloc const&) {
        throw error{errc::out_of_memory, "make a pool"};
    }
    ~buffer_pool() { close_all(); }

    /// Opens, and locks, a file of pages. The number of a standard stream that the process has
    /// closed is filled for good, so that nothing is printed into a file: see direct_backend.
    /// Errors: open_failed, file_locked, direct_io_refused, misaligned_page_size,
    /// size_not_page_multiple, file_too_large, too_many_files, bad_option, out_of_memory (address
    /// space for `file_pages_max`), forked, reentered. With a log: log_mismatch (it has records of
    /// a file that is not opened logged, or they are of another one); of a logged file log_corrupt,
    /// log_failed, log_full, and those of reading and writing pages, too.
    /// Expects, of a logged file: this thread holds no guard of the pool.
    [[nodiscard]] file open(std::string const& path, open_mode mode = open_mode::read_write,
                            file_options const& options = {}) QUIRE_LIFETIMEBOUND {
        core_.require_own_process("open");
        if (options.logged) {
            require_log(("open " + path).c_str());
            return file{{core_, core_.keeper->open_logged(path, mode, options)}};
        }
        if (core_.keeper) { core_.keeper->require_no_records(path); }
        return file{{core_, detail::file_opening{core_, options}.open(path, mode)}};
    }

    /// Takes a descriptor that the caller has opened, and locks its file; `name` serves messages.
    /// The access mode is the descriptor's. It is closed when it is refused, too. Expects: no other
    /// descriptor shares its open file (dup, fork): those share its lock, and closing one gives it
    /// up for all.
    /// Errors: as `open`.
    [[nodiscard]] file adopt(int descriptor, std::string const& name,
                             file_options const& options = {}) QUIRE_LIFETIMEBOUND
        requires adopting_backend<Backend>
    {
        file const adopted{{core_, detail::file_opening{core_, options}.adopt(descriptor, name)}};
        if (options.logged) {
            adopted.close(unwritten::discard);
            throw error{errc::bad_option,
                        "adopt " + name + ": a logged file is opened by its path"};
        }
        return adopted;
    }

    /// Flushes every file. All are tried; the first error is thrown.
    /// Expects: this thread holds no guard of the pool.
    void flush() {
        core_.require_own_process("flush");
        cancellation_off const meanwhile;  // every error is caught here, and so would its unwinding
        std::exception_ptr failure = nullptr;
        for (auto& slot : core_.files) {
            try {
                detail::file_flush{core_, slot}.flush_if_open();
            } catch (...) {
                if (failure == nullptr) { failure = std::current_exception(); }
            }
        }
        if (failure != nullptr) { std::rethrow_exception(failure); }
    }

    /// `fn(change)`, a change of several pages of logged files: whole or not at all, see
    /// change.hpp. The LSN with which it is durable. `fn` may run several times, and lets
    /// errc::conflict through.
    /// Errors: those of `fn`, log_failed, log_full (no checkpoint could make room, or the change is
    /// larger than redo_log::record_max), those of a checkpoint, bad_option (the pool has no log),
    /// out_of_memory; then nothing has happened.
    /// Expects: this thread holds no guard of the pool.
    template <class Fn>
    std::uint64_t change(Fn&& fn) {
        return quire::change<buffer_pool>::run(*this, fn);
    }

    /// Everything that changed in logged files before this call is in them, and the log has room
    /// again, unless it has records of a file that was not opened again.
    /// Errors: those of flush, log_failed, bad_option (no log); then the next one tries again.
    /// Expects: this thread holds no guard of the pool.
    void checkpoint() {
        core_.require_own_process("make a checkpoint");
        require_log("make a checkpoint");
        detail::logged_pool<core_type>::of(core_).make_checkpoint();
    }
    /// The log's records of a file are needed no more: it was deleted, or replaced by another. What
    /// only they had is lost; a catalog that needs them does not see that.
    /// Errors: bad_option (no log), in_use (it is open), log_failed.
    void forget(std::string const& path) {
        core_.require_own_process("forget");
        require_log("forget");
        detail::logged_pool<core_type>::of(core_).forget(path);
    }

    /// Sets `frames` frames aside: accesses that are given the budget do not fail for want of one.
    /// Errors: no_free_frame (or the error of a write), out_of_memory; then none is set aside.
    [[nodiscard]] frame_budget reserve(std::size_t frames) {
        core_.require_own_process("reserve");
        if (frames > core_.options.frames) { throw error{errc::no_free_frame, "reserve"}; }
        std::vector<frame_no> got;
        try {
            got.reserve(frames);
        } catch (std::bad_alloc const&) {
            throw error{errc::out_of_memory, "reserve"};
        }
        try {
            while (got.size() < frames) { got.push_back(core_.evictor.take(nullptr, nullptr)); }
        } catch (...) {
            for (auto const frame : got) { core_.evictor.put_into_free_list(frame); }
            throw;
        }
        return frame_budget{core_.evictor.free_frames(), core_.memory(), std::move(got)};
    }

    /// Finishes what has been transferred since, without a wait: for event loops, see page_request.
    void poll() {
        core_.require_own_process("poll");
        core_.transfers.poll();
    }
    /// A descriptor that is readable (poll, epoll; level-triggered) while a transfer waits for
    /// `poll`, or for any other thread of the pool, to finish it; -1 if the system refused the
    /// ring. It belongs to the backend.
    [[nodiscard]] int native_handle() noexcept
        requires requires(Backend& of) { of.completion_handle(); }
    {
        return core_.backend.completion_handle();
    }

    /// paged_file::for_each_dirty over all files.
    template <class Fn>
    void for_each_dirty(Fn fn) const {
        for (auto const& slot : core_.files) {
            if (slot.is_open()) { core_.for_each_dirty(slot, slot.number, fn); }
        }
    }

    /// Sums over the files that are open now. Cost: a look at every frame.
    [[nodiscard]] pool_stats stats() const noexcept {
        pool_stats sum;
        for (auto const& slot : core_.files) {
            if (slot.is_open()) { sum += slot.counters.read(PageSize); }
        }
        sum.hits += core_.resident_hits({});
        return sum;
    }
    /// Of the file that is open under `number`, which error::page() tells; empty if none is.
    /// Errors: out_of_memory.
    [[nodiscard]] std::string path(file_no number) const {
        try {
            return core_.memory().inherited() ? std::string{} : core_.files.path(number);
        } catch (std::bad_alloc const&) {
            throw error{errc::out_of_memory, "tell a path"};
        }
    }
    [[nodiscard]] std::size_t frames() const noexcept { return core_.options.frames; }
    /// Where the frames are: every view of a page points in here.
    [[nodiscard]] arena const& memory() const noexcept { return core_.memory(); }

private:
    template <class Pool>
    friend class background_writer;
    template <class Pool>
    friend class quire::change;
    template <class Pool>
    friend class task_loop;

    void require_log(char const* operation) const {
        if (!core_.keeper) {
            throw error{errc::bad_option, std::string{operation} + ": the pool has no log"};
        }
    }

    void close_all() noexcept {
        cancellation_off const meanwhile;
        if (core_.memory().inherited()) { return; }  // the parent's files, the parent's work
        QUIRE_EXPECTS(core_.cleaning.writers() == 0, "no background writer outlives its pool");
        static_cast<void>(core_.transfers.drain(detail::deadline::max()));  // they write to frames
        QUIRE_EXPECTS(core_.ahead.granted() == 0, "no stream outlives its pool");
        QUIRE_EXPECTS(core_.task_loops.load(std::memory_order_relaxed) == 0,
                      "no task_loop outlives its pool");
        std::size_t used = 0;
        for (auto& frame : core_.frames.headers()) {
            QUIRE_EXPECTS(is_free([&] { return frame.latch.try_lock(); }, frame.latch),
                          "no guard outlives its pool");
            if constexpr (pinning<Latch>) {
                QUIRE_EXPECTS(
                    is_free([&] { return frame.latch.try_lock_unpinned(); }, frame.latch),
                    "no pin outlives its pool");
            }
            used += frame.page.load(std::memory_order_relaxed) == page_id::none().bits() ? 0U : 1U;
        }
        QUIRE_EXPECTS(used + core_.evictor.free_frames().count() == core_.options.frames,
                      "no budget outlives its pool");
        for (auto& slot : core_.files) {
            if (slot.is_open()) { close_last(slot); }
        }
    }

    /// A try may fail for no reason: several do not.
    template <class Try>
    [[nodiscard]] bool is_free(Try try_once, Latch& latch) noexcept {
        auto const moment = detail::deadline_after(std::chrono::milliseconds{100});
        if (!core_.transfers.wait(moment, detail::wake_key::none(), try_once)) { return false; }
        latch.unlock();
        return true;
    }

    void close_last(typename core_type::file_type& slot) noexcept {
        auto const& path = slot.path;
        try {
            detail::close_file(core_, slot, slot.number, unwritten::write);
            return;
        } catch (error const& why) {
            report(path, why);
        } catch (std::exception const& why) {
            report_other(path, why);
        }
        try {
            if (slot.is_open()) {
                detail::close_file(core_, slot, slot.number, unwritten::discard);
            }
        } catch (std::exception const&) {  // reported already
        }
    }

    void report(std::string const& path, error const& why) noexcept {
        if (core_.options.on_loss) {
            core_.options.on_loss(path, why);
        } else {
            print(path, why);
        }
    }
    /// What is no quire::error. Without memory for one `on_loss` cannot be told.
    void report_other(std::string const& path, std::exception const& why) noexcept {
        try {
            error const made{errc::write_failed, why.what()};
            report(path, made);
        } catch (std::bad_alloc const&) {
            print(path, why);
        }
    }
    static void print(std::string const& path, std::exception const& why) noexcept {
        std::fprintf(stderr, "quire: %s was not written in full: %s\n", path.c_str(), why.what());
    }

    core_type core_;
};

static_assert(sizeof(frame_header<hybrid_latch, s3_fifo::frame_state>) == 64,
              "a frame's header is one cache line with the default latch and policy");

}  // namespace quire::inline QUIRE_ABI
