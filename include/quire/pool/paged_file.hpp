// SPDX-License-Identifier: BSL-1.0
#pragma once

/// paged_file: a handle to a file that is open in a pool, and the way to its pages.
///
/// A handle is four words, copied freely; the pool owns the file. It is open until `close`, or
/// until the pool ends, whose destructor writes what it can but cannot throw: call `close` or
/// `flush` to learn of errors. Using a handle after `close` stops the program with that message,
/// except for what the handle knows itself, as long as pool_options::files_max says.
///
/// Errors of every access, beside those named: errc::timed_out, errc::no_free_frame (or the error
/// of the write that kept a frame from becoming free), errc::in_use (the file is being closed),
/// errc::forked, errc::reentered; errc::needs_change, of what changes or forgets pages of a logged
/// file outside of a change (change.hpp). An access to a page allocates nothing.
/// Threads: any, at once; closing is for a thread that knows no other uses the file. Another that
/// does is served, gets errc::in_use, or stops the program; it never changes another file.

#include <quire/pool/detail/file_closing.hpp>
#include <quire/pool/detail/lent_closure.hpp>
#include <quire/pool/detail/optimistic.hpp>
#include <quire/pool/detail/task_scheduler.hpp>
#include <quire/pool/guard.hpp>
#include <quire/pool/page_pin.hpp>
#include <quire/pool/page_request.hpp>
#include <quire/pool/page_stream.hpp>

namespace quire::inline QUIRE_ABI {

template <class Core>
class paged_file : public detail::file_ref<Core> {
    using ref_type = detail::file_ref<Core>;

public:
    using ref_type::core;
    using ref_type::id_of;
    using ref_type::is_open;
    using ref_type::number;
    using ref_type::slot;
    using ref_type::slot_open_or_not;

    /// For the pool.
    explicit paged_file(ref_type const& of) noexcept : ref_type{of} {}

    template <template <class, std::size_t> class View>
    using read_guard = quire::read_guard<Core, View>;
    template <template <class, std::size_t> class View>
    using write_guard = quire::write_guard<Core, View>;

    /// Page `no`, shared. A page that the file's seal calls blank (grown, never written) is an
    /// error for every kind, unless the file was opened with blank_pages::shown: only `append` and
    /// `format` make pages. Under no_seal none is blank.
    /// Errors: page_out_of_range, read_failed, short_read, corrupt_page, blank_page,
    /// wrong_page_kind.
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, Core::page_size>
    [[nodiscard]] read_guard<View> read(page_no no,
                                        access_options const& how = by_default) const {
        return read_guard<View>(*this, no, how);
    }

    /// Page `no`, exclusive.
    /// Errors: as `read`, and read_only, sync_failed (an earlier sync), write_failed and log_failed
    /// (too many pages were dirty, and could not be written).
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, Core::page_size>
    [[nodiscard]] write_guard<View> write(page_no no,
                                          access_options const& how = by_default) const {
        return write_guard<View>(*this, no, how);
    }

    /// A new page at the end, formatted, exclusive.
    /// Expects: what the file's seal seals leaves the page one of its kind.
    /// Errors: as `write` without those of reading, and grow_failed and file_too_large: then the
    /// file is as it was.
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, Core::page_size>
    [[nodiscard]] write_guard<View> append(access_options const& how = {}) const {
        return write_guard<View>(maker().append(how, detail::kind_of<View, Core::page_size>()));
    }

    /// Page `no`, made a fresh one of its kind whatever it holds (also a blank or corrupt page, or
    /// one of another kind), exclusive. Nothing is read.
    /// Errors: as `append` without those of growing, and page_out_of_range.
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, Core::page_size>
    [[nodiscard]] write_guard<View> format(page_no no, access_options const& how = {}) const {
        return write_guard<View>(maker().format(no, how, detail::kind_of<View, Core::page_size>()));
    }

    /// `fn(page)` with the const view of page `no`, under a guard that ends with the call. What it
    /// returns borrows nothing (borrow/owned.hpp): copies leave, or the guard of another page.
    /// Errors: as `read`, and those of `fn`.
    template <template <class, std::size_t> class View = raw_page, class Fn>
    auto with_read(page_no no, Fn&& fn, access_options const& how = by_default) const {
        auto const guard = read<View>(no, how);
        auto* const page = guard.operator->();
        detail::expect_owned_result<decltype(*page), Fn>();
        return std::forward<Fn>(fn)(*page);
    }

    /// `fn(page)` with the mutable view, likewise. When `fn` throws, the page is as `fn` left it.
    /// Errors: as `write`, and those of `fn`.
    template <template <class, std::size_t> class View = raw_page, class Fn>
    auto with_write(page_no no, Fn&& fn, access_options const& how = by_default) const {
        auto guard = write<View>(no, how);
        auto* const page = guard.operator->();
        detail::expect_owned_result<decltype(*page), Fn>();
        return std::forward<Fn>(fn)(*page);
    }

    /// The sealed forms, `fn(page, arguments...)`: `fn` captures nothing and the arguments own what
    /// they hold, so that nothing of the page has a place to stay but a static variable.
    template <template <class, std::size_t> class View = raw_page, class Fn, class... Arguments>
    auto with_read_sealed(page_no no, Fn fn, Arguments&&... arguments) const {
        detail::expect_sealed<Fn, std::remove_cvref_t<Arguments>...>();
        auto const guard = read<View>(no);
        auto* const page = guard.operator->();
        detail::expect_owned_result<decltype(*page), Fn, Arguments...>();
        return fn(*page, std::forward<Arguments>(arguments)...);
    }
    template <template <class, std::size_t> class View = raw_page, class Fn, class... Arguments>
    auto with_write_sealed(page_no no, Fn fn, Arguments&&... arguments) const {
        detail::expect_sealed<Fn, std::remove_cvref_t<Arguments>...>();
        auto guard = write<View>(no);
        auto* const page = guard.operator->();
        detail::expect_owned_result<decltype(*page), Fn, Arguments...>();
        return fn(*page, std::forward<Arguments>(arguments)...);
    }

    /// What `fn(page)` finds in page `no`, read without its latch when that is possible: no store
    /// to memory that other threads read, except what the policy notes of a use (nothing, mostly;
    /// lru always does), so that a page every thread looks at, a tree's root, is shared without
    /// traffic. `page` is a const view over racy_byte: what `fn` reads may be torn
    /// or of another page. Then it is run again, in the end under the latch. So `fn`
    ///   - may run several times, and returns what owns what it holds (borrow/owned.hpp);
    ///   - loads each field once, checks what it loaded, and bounds its loops;
    ///   - changes nothing outside.
    /// What it throws is thrown only if what it saw was true. Such hits are not counted.
    /// Errors: as `read`, and those of `fn`.
    template <template <class, std::size_t> class View = raw_page, class Fn>
    [[nodiscard]] auto optimistic_read(page_no no, Fn&& fn,
                                       access_options const& how = by_default) const {
        static_assert(racy_page_kind<View, Core::page_size>,
                      "a page kind that is read without a latch has views over quire::racy_byte "
                      "const, and an accepts for those (borrow/racy_byte.hpp)");
        using view_type = View<racy_byte const, Core::page_size>;
        detail::expect_owned_result<view_type const&, Fn&>();
        static_assert(!std::is_void_v<std::invoke_result_t<Fn&, view_type const&>>,
                      "a read without a latch changes nothing outside: fn returns what it found");
        static_assert(std::is_void_v<std::invoke_result_t<Fn&, view_type const&>> ||
                          std::move_constructible<std::invoke_result_t<Fn&, view_type const&>>,
                      "what fn found is moved out when it is known to be true: no guard, no view");
        if constexpr (detail::reads_optimistically<typename Core::latch_type>) {
            auto& file = slot_open_or_not();
            if constexpr (checked_build) { core().require_not_held(file, id_of(no), "read"); }
            auto found = detail::try_optimistic<View>(core(), file, id_of(no), no, fn);
            if (found) [[likely]] { return std::move(*found); }
        }
        return optimistic_read_slowly<View>(no, fn, how);
    }

    /// Page `no`, exclusive, if it is still as a guard saw it whose `version()` was `seen`; else an
    /// empty slot. So a reader becomes a writer without holding on while it waits:
    ///     auto const seen = page.version();
    ///     page.release();
    ///     auto writer = file.write_unchanged<heap_page>(no, seen);   // empty: start over
    /// Errors: as `write`.
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, Core::page_size>
    [[nodiscard]] guard_slot<write_guard<View>> write_unchanged(
        page_no no, page_version seen, access_options const& how = {}) const {
        return guard_slot<write_guard<View>>(
            [&] { return write<View>(no, how); },
            [&](write_guard<View> const& page) { return page.version() == seen; });
    }

    /// Keeps page `no` resident as long as the pin lives, and excludes no thread: a later access is
    /// a hit. The page may change. Errors: as `read`.
    [[nodiscard]] quire::page_pin<Core> pin(page_no no, access_options const& how = {}) const
        requires pinning<typename Core::latch_type>
    {
        return quire::page_pin<Core>{core(), core().pin(slot(), id_of(no), how), id_of(no)};
    }

    /// For a task: page `no`, pinned (page_pin). `auto held = co_await file.fetch(no);` Other tasks
    /// run while it is read; if it is resident, this one goes on at once. As long as it is pinned
    /// `file.read<View>(no)` reads nothing. Errors: as `read`, at the co_await; but a read that is
    /// under way is waited for as long as it takes.
    [[nodiscard]] detail::page_fetch<Core> fetch(page_no no, access_options const& how = {}) const
        requires pinning<typename Core::latch_type>
    {
        return {*this, no, how};
    }
    /// For a task: the guard of `read`, or of `write`; other tasks run while the page is read.
    /// `auto page = co_await file.async_read<View>(no);` The guard ends before the next co_await.
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, Core::page_size> && pinning<typename Core::latch_type>
    [[nodiscard]] detail::guard_fetch<Core, read_guard<View>> async_read(
        page_no no, access_options const& how = {}) const {
        return {*this, no, how};
    }
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, Core::page_size> && pinning<typename Core::latch_type>
    [[nodiscard]] detail::guard_fetch<Core, write_guard<View>> async_write(
        page_no no, access_options const& how = {}) const {
        return {*this, no, how};
    }

    using page_pin = quire::page_pin<Core>;
    using page_request = quire::page_request<Core>;
    /// Starts the read of a page, of which a function is told: see page_request. Waits for nothing.
    /// Expects: it was never started, or what came of it was taken, or it was cancelled.
    [[nodiscard]] started start(page_request& request) const
        requires pinning<typename Core::latch_type>
    {
        return request.start(*this);
    }
    /// Afterwards the request's function is not called any more, and the request may be started
    /// again. Waits for the function, if another thread is in it. The read goes on.
    void cancel(page_request& request) const noexcept { request.cancel(); }

    /// Starts reading those of the pages that are neither resident nor being read, as many as there
    /// are free frames and clean pages to evict for, and waits for nothing; how many. What becomes
    /// of them is seen when they are asked for. Over a backend without transfers in flight (any but
    /// uring_backend) a page without neighbours among `numbers` is left out, and runs of neighbours
    /// are read before this returns. The processor fetches the first lines of a resident page.
    std::size_t prefetch(std::span<page_no const> numbers) const {
        return detail::prefetch(core(), *this, numbers);
    }
    std::size_t prefetch(std::initializer_list<page_no> numbers) const {
        return prefetch(std::span{numbers.begin(), numbers.size()});
    }

    /// The guards of the pages that `numbers()` names, a std::optional<page_no> until it is empty,
    /// in this order, read ahead: see page_stream. `each` is for every access, `count` about how
    /// many pages that will be, where it is known.
    template <template <class, std::size_t> class View = raw_page, class Numbers>
        requires page_kind<View, Core::page_size> &&
                 std::convertible_to<std::invoke_result_t<Numbers&>, std::optional<page_no>>
    [[nodiscard]] page_stream<Core, View, Numbers> read_stream(
        Numbers numbers, access_options const& each = {}, std::uint64_t count = 0) const {
        return page_stream<Core, View, Numbers>(*this, std::move(numbers),
                                                {detail::way_past(core(), count), false}, each);
    }

    /// The guards of pages `first` to `first + count` - 1, or to the end that the file has now,
    /// read ahead: see page_stream. Passes over blank pages.
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, Core::page_size>
    [[nodiscard]] page_stream<Core, View, detail::page_range> scan(
        page_no first = 0, std::uint64_t count = ~std::uint64_t{0},
        access_options const& each = {}) const {
        auto const left = pages() - (first.value() < pages() ? first.value() : pages());
        auto const end = first.value() + (count < left ? count : left);
        return page_stream<Core, View, detail::page_range>(
            *this, {first.value(), end}, {detail::way_past(core(), end - first.value()), true},
            each);
    }

    /// Every page modified before this call is in the file, and the file is durable. Pages that
    /// others read meanwhile are written from copies; those that others change are waited for.
    /// Errors: write_failed, log_failed, timed_out, out_of_memory (the pages stay dirty, the next
    /// flush tries again), sync_failed (this file refuses writes from now on).
    /// Expects: this thread holds no guard of the pool.
    void flush(access_options const& how = {}) const {
        detail::file_flush{core(), slot()}.flush(number(), how);
    }

    /// Writes what flush writes, and does not make the file durable: for a cleaner, or before a
    /// checkpoint's sync.
    /// Expects: this thread holds no guard of the pool.
    void write_back(access_options const& how = {}) const {
        detail::file_flush{core(), slot()}.write_back(number(), how);
    }

    /// Grows the file ahead of `pages` appends, so that they need not. What is not used is cut off
    /// on closing, unless that discards, and reads as blank pages after a crash.
    /// Errors: grow_failed, file_too_large.
    void reserve(std::uint64_t pages) const {
        maker().reserve(pages);
    }

    /// Forgets what was changed in page `no` since it was last written, and frees its frame: the
    /// next access reads what the file has, a blank page if it never was written.
    /// Errors: page_out_of_range, in_use (another thread's guard or a pin is on it), timed_out,
    /// out_of_memory.
    /// Expects: this thread holds no guard of the page.
    void discard(page_no no, access_options const& how = {}) const {
        detail::discard_page(core(), slot(), id_of(no), how);
    }

    /// Cuts the file to its first `pages` pages. What was changed in the others is forgotten. The
    /// file looks that short from the beginning, even when the truncation is refused in the end.
    /// Of a logged file it is a change of its own, durable when this returns.
    /// Errors: page_out_of_range (it has fewer), in_use (another thread's guard or a pin is on one
    /// that would go), timed_out, grow_failed (the system refused; a block device cannot be cut),
    /// read_only, sync_failed, out_of_memory; of a logged file those of `change`; then the file is
    /// as it was (after log_failed: until it is opened again, which may find it cut).
    /// Expects: this thread holds no guard of a page that is removed; with a logged file, no guard
    /// of the pool.
    void truncate(std::uint64_t pages) const {
        detail::truncate_file(core(), slot(), number(), pages);
    }

    /// Writes (or discards) what is dirty, and closes. Errors: as `flush`, in_use (another thread's
    /// guard or a pin is on a page), timed_out (one that must be written stays held for changes),
    /// grow_failed (a logged file that was cut cannot be made shorter), out_of_memory, and then the
    /// file is still open; close_failed, and then it is not.
    /// Expects: this thread holds no guard of the pool.
    void close(unwritten dirty = unwritten::write) const {
        detail::close_file(core(), slot(), number(), dirty);
    }

    /// `fn(page_id, first_lsn)` for every page that is dirty now, with the first LSN logged for it
    /// since it was clean, or 0 when none was: what a fuzzy checkpoint asks. A page that is dirty
    /// all the while is among them; of others some are. Nothing is latched; `fn` may use the pool.
    template <class Fn>
    void for_each_dirty(Fn fn) const {
        core().for_each_dirty(slot(), number(), fn);
    }

    /// The pages that are resident now, sorted: reading them again warms a pool after a restart.
    /// Errors: out_of_memory.
    [[nodiscard]] std::vector<page_no> resident_pages() const {
        std::vector<page_no> found;
        try {
            for (auto const& frame : core().frames.headers()) {
                auto const id = frame.page_now();
                if (id != page_id::none() && id.file() == number()) { found.push_back(id.page()); }
            }
        } catch (std::bad_alloc const&) {
            throw error{errc::out_of_memory, "list resident pages"};
        }
        detail::sort_ascending(std::span{found});
        return found;
    }

    /// Whether this thread has a guard of page `no`, and would wait for itself if it asked for
    /// another. For code that follows page numbers which it does not trust. It may miss a read
    /// guard of a page that other threads read at the same time, or that this thread has had a
    /// second guard of since (a checked build does not).
    /// Expects: the file is open.
    [[nodiscard]] bool held_here(page_no no) const noexcept {
        return core().held_here(slot(), id_of(no));
    }

    /// How many pages the file has: their numbers are 0 to pages() - 1.
    [[nodiscard]] std::uint64_t pages() const noexcept {
        return slot().page_count.load(std::memory_order_acquire);
    }
    /// Whether its pages are changed by quire::change, and what was committed outlives a crash.
    [[nodiscard]] bool is_logged() const noexcept {
        return slot().log_number.load(std::memory_order_relaxed) != 0;
    }
    /// The log of a logged file; of any other none.
    [[nodiscard]] log_history log() const noexcept {
        return is_logged() ? core().keeper->history() : log_history{};
    }
    [[nodiscard]] bool is_writable() const noexcept { return slot().file->writable(); }
    /// Whether direct I/O is in effect, or buffered; direct_or_buffered where that is not known.
    [[nodiscard]] io_mode mode() const noexcept { return slot().file->mode(); }
    [[nodiscard]] std::string const& path() const noexcept { return slot().path; }
    /// Cost: a look at every frame of the pool.
    [[nodiscard]] pool_stats stats() const noexcept {
        auto sum = slot().counters.read(Core::page_size);
        sum.hits += core().resident_hits(number());
        return sum;
    }

private:
    [[nodiscard]] detail::page_maker<Core> maker() const noexcept {
        return {core(), slot(), number()};
    }

    /// Two attempts more, and then with the latch.
    template <template <class, std::size_t> class View, class Fn>
    [[nodiscard, gnu::noinline]] auto optimistic_read_slowly(page_no no, Fn& fn,
                                                             access_options const& how) const {
        using view_type = View<racy_byte const, Core::page_size>;
        if constexpr (detail::reads_optimistically<typename Core::latch_type>) {
            for (int tries = 0; tries < 2; ++tries) {
                auto found = detail::try_optimistic<View>(core(), slot_open_or_not(), id_of(no), no,
                                                          fn);
                if (found) { return std::move(*found); }
            }
        }
        auto const page = read(no, how);
        auto const bytes = page->bytes();
        auto const racy = as_racy(bytes.unguarded_span().template first<Core::page_size>());
        if (!detail::accepted_by<view_type>(racy, no)) {
            throw slot_open_or_not().failure(errc::wrong_page_kind, "read", page.id());
        }
        view_type const view(detail::view_of<view_type>(racy, no));
        return fn(view);
    }
};

}  // namespace quire::inline QUIRE_ABI
