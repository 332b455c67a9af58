// SPDX-License-Identifier: BSL-1.0
#pragma once

/// log_replay: what a crash left in a log is made of a file, before the file is used.
///
/// Every page with a record has an image before its first range, so no page of the file is read: an
/// image makes the page, in a frame, and ranges are put into it. So the file may hold anything
/// there: torn pages are mended, and a replay that a crash ends begins again. Pages are written by
/// the pool as always, sealed.
///
/// A move copies bytes within the page, so here they must be what they were before the change that
/// was logged. They are, in every crash and every replay:
///   - What the file has on the disk does not matter, older or newer: its first record makes the
///     page. Image or ranges is decided under the mutex under which a checkpoint's begin moves.
///   - From the image on every record of the page is applied, in the order of the changes: pages of
///     logged files are written in changes only, and a change has the latch from the copy with
///     which the page is compared until it has its LSN. What a crash leaves of a log is all of it
///     up to some record.
///   - So by induction the page is here before each record what it was before that change, except
///     for the seal, which is written with the page and not logged. No move reads bytes of a seal
///     (open_file::first_unsealed).
///   - A page that is written here, evicted, and read again, is the same but for its seal. A replay
///     that a crash ends begins with the images again.
/// Moves read a copy of the page from before the first of its moves.
///
/// How many pages the file has is told by the log, not by its size: what a change appended that was
/// not whole is cut off, or stays as room behind the end. Pages that are cut off later in the log
/// are not made: there may be no room for them.
///
/// A file that says of itself which log it needs (base/log_opening.hpp) is asked before the first
/// page is made. It says so before the log has a change of it, and not any more when the log has
/// none; a new one says so by its first change. So one that needs another log or none, or this one
/// from another opening on, was used without this one in between, or is an older copy: what the log
/// has of it does not belong there. Likewise one that was made by another name. Page 0 is looked at
/// as it lies on the disk, whatever its seal says: a power loss may have torn it, but not its first
/// sector.
///
/// Errors: log_corrupt (a range without an image), log_mismatch (the file does not need what the
/// log has; or it is shorter than the log says, and the log does not have the pages that are
/// missing), and those of reading and writing.

#include <quire/pool/detail/change_log.hpp>
#include <quire/pool/detail/page_maker.hpp>
#include <quire/pool/detail/page_removal.hpp>

#include <utility>  // std::exchange

namespace quire::inline QUIRE_ABI::detail {

/// `fn(bytes)` with a page as it lies on the disk, whatever its seal says. It does not stay in the
/// pool. Errors: those of reading. Expects: no other thread uses the file, and the page is not in
/// the pool.
template <class Core, class Fn>
[[nodiscard]] auto look_unsealed(Core& core, typename Core::file_type& file, page_no no,
                                 char const* operation, Fn fn) {
    struct unsealed {
        typename Core::file_type& file;
        page_seal its = std::exchange(file.seal, no_seal);
        ~unsealed() { file.seal = its; }
    } const meanwhile{file};
    page_id const id{file.number, no};
    auto const at = core.template enter<access::shared>(file, id, no, {}, operation);
    auto const found = fn(core.frames.bytes(at));
    core.template leave<access::shared>(at, id);
    page_removal{core, file, no.value(), no.value() + 1, unwritten::discard,
                 core.deadline_of({}), operation}
        .finish();
    return found;
}

template <class Core>
class log_replay {
public:
    using file_type = typename Core::file_type;
    using changes_type = change_log<typename Core::types::backend_type>;

    /// Of the records of a file that began with `opening`. Expects: no other thread has the file
    /// yet, and it knows its name in the log.
    log_replay(Core& core, file_type& file, changes_type& changes, std::uint32_t log_number,
               std::uint64_t opening)
        : core_{core},
          file_{file},
          changes_{changes},
          number_{file.number},
          log_number_{log_number},
          wanted_{{changes.log().history().log, opening},
                  needed_log::hash_of_name(file.log_name)},
          lowest_cuts_{changes.cuts_of(log_number)},
          size_{file.page_count.load(std::memory_order_relaxed)} {
        for (auto i = lowest_cuts_.size(); i > 1; --i) {
            lowest_cuts_[i - 2] = std::min(lowest_cuts_[i - 2], lowest_cuts_[i - 1]);
        }
    }

    void run() {
        changes_.replay(*this);
        if (pages_ < size_ && !asked_) { ask(); }
        file_.page_count.store(pages_, std::memory_order_release);
    }

    // For record_reader.
    std::uint64_t lsn = 0;

    /// The file has that many pages here. Those that it does not have by its size were appended,
    /// and their images came before this, or they are cut off later: or else it is not the file
    /// that the log knows.
    void file_is(file_record const& file) {
        if (file.number != log_number_) { return; }
        auto const pages = file.pages;
        if (pages > file_.pages->pages()) { throw too_large(pages); }
        for (auto no = size_; no < pages && is_kept(no); ++no) {
            if ((*file_.imaged)[no] != 0) { continue; }
            throw file_.failure(errc::log_mismatch, "replay", page_id{number_, no}, 0,
                                "the log does not have a page that the file has lost");
        }
        if (pages < pages_) { throw no_record{}; }
        pages_ = pages;
    }
    void file_was_closed(std::uint32_t) noexcept {}
    void file_was_cut(std::uint32_t number, std::uint64_t pages) {
        if (number != log_number_) { return; }
        if (pages > pages_ || cuts_seen_ == lowest_cuts_.size()) { throw no_record{}; }
        ++cuts_seen_;
        pages_ = pages;
    }
    void page_is(std::uint32_t number, page_no no, std::span<std::byte const> image) {
        if (number != log_number_) { return; }
        if (!std::exchange(asked_, true)) { ask(); }
        if (!has_page(no)) { return; }
        auto const copy = [&](auto bytes, page_no) noexcept {
            std::memcpy(bytes.data(), image.data(), image.size());
        };
        auto const accept = [](auto, page_no) noexcept { return true; };
        page_maker<Core> maker{core_, file_, number_};
        end(maker.format(no, {}, maker_kind<decltype(copy), decltype(accept)>{copy, accept}));
        (*file_.imaged)[no] = lsn;
    }
    void move_is(std::uint32_t number, page_no no, moved_range const& move) {
        change_page(number, no, [&](std::span<std::byte> page) {
            if (move.is_first) { before_.assign(page.begin(), page.end()); }
            std::memcpy(page.data() + move.offset, before_.data() + move.from, move.size);
        });
    }
    void range_is(std::uint32_t number, page_no no, std::size_t offset,
                  std::span<std::byte const> bytes) {
        change_page(number, no, [&](std::span<std::byte> page) noexcept {
            std::memcpy(page.data() + offset, bytes.data(), bytes.size());
        });
    }

private:
    [[nodiscard]] error too_large(page_no no) const {
        return file_.failure(errc::file_too_large, "replay", page_id{number_, no});
    }
    /// Before something is done to the file: whether it needs what the log has.
    void ask() {
        auto const needed = page_0_as_it_is();
        if (!needed || *needed == wanted_) { return; }
        auto const& its = needed->opening;
        auto const here = wanted_.opening.log;
        auto const why =
            its.log == 0             ? std::string{"the file needs no log"}
            : its.log != here        ? "the file needs log " + std::to_string(its.log) + ", not " +
                                           std::to_string(here)
            : its != wanted_.opening ? std::string{"the file, or the log, is an older copy"}
                                     : std::string{"the log has it by another name"};
        throw file_.failure(errc::log_mismatch, "replay", number_, 0,
                            why + "; what the log has by this name, buffer_pool::forget drops");
    }
    /// What page 0 says, if it says something. It does not stay in the pool.
    [[nodiscard]] std::optional<needed_log> page_0_as_it_is() {
        if (size_ == 0) { return std::nullopt; }
        return look_unsealed(core_, file_, 0, "replay", needed_log::of);
    }
    /// Whether the page is not cut off later.
    [[nodiscard]] bool is_kept(page_no no) const noexcept {
        return cuts_seen_ == lowest_cuts_.size() || no.value() < lowest_cuts_[cuts_seen_];
    }
    /// Makes the file have page `no`, unless that is cut off later.
    [[nodiscard]] bool has_page(page_no no) {
        if (no.value() > pages_) { throw no_record{}; }  // pages are appended one after the other
        if (no.value() == pages_) { ++pages_; }
        if (!is_kept(no)) { return false; }
        if (no.value() >= file_.pages->pages()) { throw too_large(no); }
        auto const count = file_.page_count.load(std::memory_order_relaxed);
        if (count > no.value()) { return true; }
        page_maker<Core>{core_, file_, number_}.reserve(no.value() + 1 - count);
        file_.page_count.store(no.value() + 1, std::memory_order_release);
        return true;
    }
    /// Of a page that was made from its image: `fn(bytes)`.
    template <class Fn>
    void change_page(std::uint32_t number, page_no no, Fn fn) {
        if (number != log_number_ || !is_kept(no)) { return; }
        if (no.value() >= file_.pages->pages() || (*file_.imaged)[no] == 0) { throw no_record{}; }
        core_.require_writable(file_, number_, "replay");
        page_id const id{number_, no};
        auto const at = core_.template enter<access::exclusive>(file_, id, no, {}, "replay");
        core_.modified(at, id);
        fn(std::span<std::byte>{core_.frames.bytes(at)});
        end({core_, at, id});
    }
    void end(made_page<Core> const& made) noexcept {
        core_.modified(made.at, made.page);
        core_.template leave<access::exclusive>(made.at, made.page);
    }

    Core& core_;
    file_type& file_;
    changes_type& changes_;
    file_no const number_;
    std::uint32_t const log_number_;
    needed_log const wanted_;  ///< what page 0 says, if it says something
    std::vector<std::uint64_t> lowest_cuts_;  ///< pages, by that cut or a later one
    std::size_t cuts_seen_ = 0;
    std::uint64_t const size_;  ///< pages, before
    std::uint64_t pages_ = 0;
    bool asked_ = false;
    std::vector<std::byte> before_ =
        std::vector<std::byte>(Core::page_size);  ///< a page before its moves
};

}  // namespace quire::inline QUIRE_ABI::detail
