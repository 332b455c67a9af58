// SPDX-License-Identifier: BSL-1.0
#pragma once

/// paged_file: a handle to a file that is open in a pool, and the way to its pages.
///
/// A handle is two words, copied freely; the pool owns the file. It is open until `close`, or until
/// the pool ends, whose destructor writes what it can but cannot throw: who wants to know calls
/// `close` or `flush`. Using a handle after `close` stops the program with that sentence.
///
/// Errors of every access, beside those named: errc::timed_out, errc::no_free_frame (or the error
/// of the write that kept a frame from becoming free), errc::in_use (the file is being closed),
/// errc::forked, errc::reentered.
/// Threads: any, at once; closing is for a thread that knows nobody else uses the file.

#include <quire/pool/detail/file_ops.hpp>
#include <quire/pool/guard.hpp>

namespace quire::inline QUIRE_ABI {

template <class Core>
class paged_file {
public:
    template <template <class, std::size_t> class View>
    using read_guard = quire::read_guard<Core, View>;
    template <template <class, std::size_t> class View>
    using write_guard = quire::write_guard<Core, View>;

    /// Page `no`, shared. A blank page (grown, never written) is an error for every kind: only
    /// `append` makes pages.
    /// Errors: page_out_of_range, read_failed, short_read, corrupt_page, blank_page,
    /// wrong_page_kind.
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, Core::page_size>
    [[nodiscard]] read_guard<View> read(page_no no, access_options const& how = {}) const {
        return read_guard<View>(*this, no, how);
    }

    /// Page `no`, exclusive.
    /// Errors: as `read`, and read_only, sync_failed (an earlier sync), write_failed and log_failed
    /// (too many pages were dirty, and could not be written).
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, Core::page_size>
    [[nodiscard]] write_guard<View> write(page_no no, access_options const& how = {}) const {
        return write_guard<View>(*this, no, how);
    }

    /// A new page at the end, formatted, exclusive.
    /// Expects: what the file's contract seals leaves the page one of its kind.
    /// Errors: as `write` without those of reading, and grow_failed and file_too_large: then the
    /// file is as it was.
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, Core::page_size>
    [[nodiscard]] write_guard<View> append(access_options const& how = {}) const {
        auto const made = operations::append(
            core(), slot(), how, [](auto bytes, page_no no) noexcept {
                View<std::byte, Core::page_size>::format(bytes, no);
            },
            View<std::byte const, Core::page_size>::accepts);
        return write_guard<View>(core(), made.frame, made.page);
    }

    /// Every page modified before this call is in the file, and the file is durable.
    /// Errors: write_failed, log_failed (the pages stay dirty, the next flush tries again),
    /// sync_failed (this file refuses writes from now on).
    /// Expects: this thread holds no guard of the pool.
    void flush(access_options const& how = {}) const { operations::flush(core(), slot(), how); }

    /// Grows the file ahead of `pages` appends, so that they need not. What is not used is cut off
    /// on closing, and reads as blank pages after a crash. Errors: grow_failed, file_too_large.
    void reserve(std::uint64_t pages) const { operations::reserve(core(), slot(), pages); }

    /// Writes (or discards) what is dirty, and closes. Errors: as `flush`, in_use (a guard is held
    /// on a page), timed_out, and then the file is still open; close_failed, and then it is not.
    void close(unwritten dirty = unwritten::write) const {
        operations::close(core(), slot(), dirty);
    }

    /// How many pages the file has: their numbers are 0 to pages() - 1.
    [[nodiscard]] std::uint64_t pages() const noexcept {
        return slot().page_count.load(std::memory_order_acquire);
    }
    /// Whether direct I/O is in effect, or buffered.
    [[nodiscard]] io_mode mode() const noexcept { return slot().file->mode(); }
    [[nodiscard]] std::string const& path() const noexcept { return slot().path; }
    /// The file's number in its pool's page ids.
    [[nodiscard]] file_no number() const noexcept { return slot_->number; }
    /// Whether `close` has not been called yet.
    [[nodiscard]] bool is_open() const noexcept {
        return slot_->generation.load(std::memory_order_acquire) == generation_;
    }
    [[nodiscard]] pool_stats stats() const noexcept {
        auto const& file = slot();
        return file.counters.read(core_->hits.sum(file.number) - file.hits_before,
                                  Core::page_size);
    }

    /// For guards: the pool, and the file's slot in it.
    [[nodiscard]] Core& core() const noexcept { return *core_; }
    [[nodiscard]] typename Core::file_type& slot() const noexcept {
        QUIRE_EXPECTS(is_open(), "a file handle is not used after close");
        return *slot_;
    }

    /// For the pool: a handle to the file that is open in `slot` now.
    paged_file(Core& core, typename Core::file_type& slot) noexcept
        : core_{&core},
          slot_{&slot},
          generation_{slot.generation.load(std::memory_order_acquire)} {}

private:
    using operations = detail::file_ops<Core>;

    Core* core_;
    typename Core::file_type* slot_;
    std::uint32_t generation_;
};

}  // namespace quire::inline QUIRE_ABI
