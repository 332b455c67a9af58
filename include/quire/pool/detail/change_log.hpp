// SPDX-License-Identifier: BSL-1.0
#pragma once

/// change_log: what a pool knows of its log: the files in it, where its checkpoint begins, and the
/// room that is promised.
///
/// A logged file has a name, its path as seen from the log's folder; and a number in the log, which
/// it gets when it is opened first and keeps until it is closed and forgotten. One that was not
/// closed in an earlier life is *left over* until it is opened again, which replays its records. As
/// long as one is left over no record may be forgotten.
///
/// Order. The mutex here is held while a record gets its LSN, so that three things fit together:
/// whether a page is in it whole or by ranges (is the log's image of it newer than `since`, where
/// the newest checkpoint began?), how many pages each file has, and where a checkpoint begins.
///
/// Room. A change is promised room for its record before it has a latch, and waits only then. A
/// record takes at most redo_log::blocks_for its size, with what a sync fills up behind it. Room is
/// kept for the record with which a checkpoint begins, and for one that each file was closed. So
/// that checkpoints that fail take no more, the next one goes on with the begin of the one that
/// failed.
///
/// Invariants
///   I1. Every page with a record after the log's begin is dirty, or its file was synced since.
///   I2. promised + kept for a checkpoint <= the log's room.
///
/// Threads: any; but files are added and forgotten, and checkpoints made, by one at a time.

#include <quire/pool/detail/change_record.hpp>
#include <quire/base/cancellation_off.hpp>
#include <quire/io/relative_name.hpp>
#include <quire/log/redo_log.hpp>

#include <algorithm>           // std::find_if
#include <condition_variable>  // std::condition_variable
#include <map>                 // std::map
#include <memory>              // std::shared_ptr
#include <mutex>               // std::mutex
#include <optional>            // std::optional
#include <string>              // std::string

namespace quire::inline QUIRE_ABI::detail {

template <file_backend Backend>
class change_log : immovable {
public:
    using log_type = redo_log<Backend>;

    /// Errors: bad_option (another pool has the log, or it has no room for a page), log_corrupt,
    /// out_of_memory.
    change_log(log_type& log, std::size_t page_size)
        : log_{log}, owner_{log}, page_size_{page_size}, since_{log.begin()} {
        if (log.record_max() < page_size + 128) {
            throw error{errc::bad_option, "make a pool: a quarter of its log, or half of the log's "
                                          "buffer, is less than a page"};
        }
        learning known{*this};
        log.for_each_note([&](std::span<std::byte const> note) { read(note, known); });
        keep_room();
        memory_.reserve(64);
    }

    [[nodiscard]] log_type& log() const noexcept { return log_; }
    std::mutex only_one_waits;  ///< the change that may wait with pages in hand: pool/change.hpp

    /// `path`, as seen from the program's folder now, by its name.
    [[nodiscard]] std::string name_of(std::string const& path) const {
        return relative_name(path, log_.absolute_path());
    }

    /// Calls `to` for all that the log has (change_record.hpp). Errors: log_corrupt, log_failed,
    /// out_of_memory, and those of `to`. Expects: no checkpoint ends meanwhile.
    template <class To>
    void replay(To& to) {
        log_.replay([&](std::uint64_t lsn, std::span<std::byte const> record) {
            to.lsn = lsn;
            read(record, to);
        });
    }

    // What is appended. Errors, of all: log_full, log_failed, out_of_memory; then nothing is.

    /// The record that `make(since)` puts together; and `done(lsn)` before the next one gets its
    /// LSN. `promised` is what it was promised, and may become more; with log_full it is as before,
    /// and `needed` tells what it takes.
    template <class Make, class Done>
    std::uint64_t append(std::uint64_t& promised, std::uint64_t& needed, Make make, Done done) {
        std::lock_guard const hold{order_};
        std::span<std::byte const> const record = make(since_);
        if (record.size() > log_.record_max()) {
            throw error{errc::log_full, "append a change to log " + log_.path() +
                                            ": it is larger than a quarter of the log, or than "
                                            "half of its buffer (redo_log_options)"};
        }
        needed = log_type::blocks_for(record.size());
        if (needed > promised) {
            if (!has_room(needed - promised)) { throw is_full(); }
            promised_ += needed - promised;
            promised = needed;
        }
        auto const at = log_.append(record);
        done(at);
        return at;
    }
    /// A file is open that has `pages`; its number.
    [[nodiscard]] std::uint32_t open_file(std::string const& name, std::uint64_t pages) {
        std::lock_guard const hold{order_};
        if (auto const known = find(name); known != files_.end()) {
            known->second.pages = pages;
            known->second.open = true;
            return known->first;
        }
        auto const number = next_number_;
        files_.emplace(number, known_file{name, pages, log_.history().now().opening, true});
        try {
            keep_room();
            auto const record = files_record(number);
            if (!has_room(log_type::blocks_for(record.size()) + one_change)) { throw is_full(); }
            static_cast<void>(log_.append_note(record));
        } catch (...) {
            files_.erase(number);
            keep_room();
            throw;
        }
        ++next_number_;
        return number;
    }
    /// A file has `pages` from now on; with which LSN that is durable. Expects: room is promised.
    [[nodiscard]] std::uint64_t cut_file(std::uint32_t number, std::uint64_t pages) {
        std::lock_guard const hold{order_};
        auto& file = files_.at(number);
        record_writer writer{record_};
        writer.put(change_tag::cut);
        writer.put(number);
        writer.put(pages);
        auto const lsn = log_.append_note(writer.record());
        file.pages = pages;
        return lsn;
    }
    /// To how many pages a file was cut, one time after the other, in the records of a replay.
    [[nodiscard]] std::vector<std::uint64_t> cuts_of(std::uint32_t number) const {
        cut_finder found{number, {}};
        log_.for_each_note([&](std::span<std::byte const> note) { read(note, found); });
        return found.cuts;
    }
    /// A file is open no more, but its records are needed.
    void leave_file(std::uint32_t number) noexcept {
        std::lock_guard const hold{order_};
        if (auto const at = files_.find(number); at != files_.end()) { at->second.open = false; }
    }
    /// No record of a file is needed: it was written in full and synced, or is another now.
    /// Durably. Expects: nothing of it is appended meanwhile.
    void forget_file(std::uint32_t number) {
        std::unique_lock hold{order_};
        if (!files_.contains(number)) { return; }
        record_writer writer{record_};
        writer.put(change_tag::closed);
        writer.put(number);
        auto const lsn = log_.append_note(writer.record());
        auto forgotten = files_.extract(number);
        keep_room();
        hold.unlock();
        try {
            log_.sync(lsn);
        } catch (...) {  // a crash may bring its records back: it is still one of the log's
            hold.lock();
            files_.insert(std::move(forgotten));
            keep_room();
            throw;
        }
    }

    /// A checkpoint begins, or one that has not ended goes on; where it began.
    [[nodiscard]] std::uint64_t begin_checkpoint() {
        std::lock_guard const hold{order_};
        if (!unfinished_) {
            auto const at = log_.end();
            static_cast<void>(log_.append_note(files_record()));
            since_ = at;
            unfinished_ = at;
        }
        return *unfinished_;
    }
    /// All that was dirty then is durable: what is before it is forgotten.
    /// Expects: nothing is left over.
    void end_checkpoint(std::uint64_t begin) {
        log_.begin_after(begin);
        std::lock_guard const hold{order_};
        unfinished_.reset();
    }

    // What is known.

    /// A file with records that were not replayed; empty if there is none.
    [[nodiscard]] std::string left_over() const {
        std::lock_guard const hold{order_};
        return any_left_over();
    }
    enum class file_state : std::uint8_t { unknown, left_over, open };
    struct found_file {
        file_state state;
        std::uint32_t number;
        std::uint64_t opening;  ///< of the log, in which its records began
    };
    [[nodiscard]] found_file look_up(std::string const& name) {
        std::lock_guard const hold{order_};
        auto const at = find(name);
        if (at == files_.end()) { return {file_state::unknown, 0, 0}; }
        return {at->second.open ? file_state::open : file_state::left_over, at->first,
                at->second.opening};
    }
    /// How many pages a file has by its records. Expects: `append` calls it, in `done`.
    void note_page(std::uint32_t number, page_no page) noexcept {
        auto const at = files_.find(number);
        if (at != files_.end() && at->second.pages <= page.value()) {
            at->second.pages = page.value() + 1;
        }
    }

    // Room, in blocks.

    enum class room : std::uint8_t { none, scarce, enough };
    /// Promises `blocks`, unless there is none; scarce: three quarters of the log are gone now.
    /// A change that is promised some also gets memory that another has used, if there is any.
    [[nodiscard]] room promise(std::uint64_t blocks, std::shared_ptr<void>& memory) noexcept {
        std::lock_guard const hold{order_};
        if (!has_room(blocks)) { return room::none; }
        promised_ += blocks;
        ++promise_count_;
        if (memory == nullptr && !memory_.empty()) {
            memory = std::move(memory_.back());
            memory_.pop_back();
        }
        return has_room(log_.ring_blocks() / 4) ? room::enough : room::scarce;
    }
    /// Of a change that has ended; `memory` may be null.
    void take_back(std::uint64_t blocks, std::shared_ptr<void>&& memory) noexcept {
        std::lock_guard const hold{order_};
        promised_ -= blocks;
        if (memory != nullptr && memory_.size() < memory_.capacity()) {
            memory_.push_back(std::move(memory));
        }
        returned_.notify_all();
    }
    struct promise_state {
        std::uint64_t blocks = 0;
        std::uint64_t count = 0;  ///< how often some were promised
    };
    [[nodiscard]] promise_state promises() const noexcept {
        std::lock_guard const hold{order_};
        return {promised_, promise_count_};
    }
    /// For a moment, for the end of a change to which room was promised. False: there was none,
    /// and none since `before`.
    [[nodiscard]] bool wait_for_room(promise_state const& before) {
        std::unique_lock hold{order_};
        if (before.blocks == 0 && before.count == promise_count_) { return false; }
        cancellation_off const meanwhile;
        if (promised_ > 0) { returned_.wait_for(hold, std::chrono::milliseconds{10}); }
        return true;
    }
    [[nodiscard]] error log_is_full() const {
        std::lock_guard const hold{order_};
        return is_full();
    }

private:
    static constexpr std::uint64_t one_change = 4;  // blocks

    /// The log is this pool's.
    struct ownership : immovable {
        explicit ownership(log_type& of) : log{of} {
            if (log.claim()) { return; }
            throw error{errc::bad_option, "make a pool: its log is another pool's"};
        }
        ~ownership() { log.give_up(); }
        log_type& log;
    };
    struct known_file {
        std::string name;
        std::uint64_t pages;
        std::uint64_t opening;
        bool open;
    };
    /// Which files the log has, when the pool is made.
    struct learning {
        change_log& to;

        void file_is(file_record const& file) {
            auto const number = file.number;
            std::string const text{file.name};
            auto const same = to.find(text);
            if (number == 0 || number == ~std::uint32_t{0} ||
                (same == to.files_.end() ? to.files_.contains(number) : same->first != number)) {
                throw no_record{};
            }
            to.files_.insert_or_assign(number, known_file{text, file.pages, file.opening, false});
            if (to.next_number_ <= number) { to.next_number_ = number + 1; }
        }
        void file_was_closed(std::uint32_t number) {
            if (to.files_.erase(number) == 0) { throw no_record{}; }
        }
        void file_was_cut(std::uint32_t number, std::uint64_t) {
            if (!to.files_.contains(number)) { throw no_record{}; }
        }
        [[noreturn]] void page_is(std::uint32_t, page_no, std::span<std::byte const>) {
            throw no_record{};
        }
        [[noreturn]] void move_is(std::uint32_t, page_no, moved_range) { throw no_record{}; }
        [[noreturn]] void range_is(std::uint32_t, page_no, std::size_t,
                                   std::span<std::byte const>) {
            throw no_record{};
        }
    };
    struct cut_finder {
        std::uint32_t of;
        std::vector<std::uint64_t> cuts;

        void file_is(file_record const&) {}
        void file_was_closed(std::uint32_t) {}
        void file_was_cut(std::uint32_t number, std::uint64_t pages) {
            if (number == of) { cuts.push_back(pages); }
        }
        void page_is(std::uint32_t, page_no, std::span<std::byte const>) {}
        void move_is(std::uint32_t, page_no, moved_range) {}
        void range_is(std::uint32_t, page_no, std::size_t, std::span<std::byte const>) {}
    };

    template <class To>
    void read(std::span<std::byte const> record, To& to) const {
        try {
            record_reader<To>::read(record, page_size_, to);
        } catch (no_record const&) {
            throw error{errc::log_corrupt, "read log",
                        {page_id::none(), 0, log_.path(), "a record is none of a pool's"}};
        }
    }

    // The mutex is held from here on.

    [[nodiscard]] auto find(std::string const& name) noexcept {
        return std::find_if(files_.begin(), files_.end(),
                            [&](auto const& one) { return one.second.name == name; });
    }
    [[nodiscard]] std::string any_left_over() const {
        for (auto const& [number, file] : files_) {
            if (!file.open) { return file.name; }
        }
        return {};
    }
    [[nodiscard]] error is_full() const {
        auto const file = any_left_over();
        return error{errc::log_full,
                     "append to log " + log_.path() +
                         (file.empty() ? "" : ": it has records of " + file +
                                                  ", which must be opened again, or forgotten "
                                                  "(buffer_pool::forget)")};
    }
    [[nodiscard]] bool has_room(std::uint64_t blocks) const noexcept {
        return promised_ + blocks + kept_ <= log_.room();
    }
    /// For the record of a checkpoint, and for that of each file's closing.
    void keep_room() noexcept {
        std::uint64_t all = 8;
        for (auto const& [number, file] : files_) { all += 24 + file.name.size(); }
        kept_ = log_type::blocks_for(all) + files_.size() * log_type::blocks_for(8);
    }
    /// Of the files that are open, or of one.
    [[nodiscard]] std::span<std::byte const> files_record(std::uint32_t only = 0) {
        auto const is_in = [&](auto const& one) {
            return only != 0 ? one.first == only : one.second.open;
        };
        record_writer writer{record_};
        writer.put(change_tag::files);
        writer.put(static_cast<std::uint32_t>(std::count_if(files_.begin(), files_.end(), is_in)));
        for (auto const& one : files_) {
            if (!is_in(one)) { continue; }
            writer.put_file({one.first, one.second.pages, one.second.opening, one.second.name});
        }
        return writer.record();
    }

    log_type& log_;
    ownership const owner_;
    std::size_t const page_size_;
    mutable std::mutex order_;
    std::condition_variable returned_;  ///< what was promised
    std::map<std::uint32_t, known_file> files_;
    std::vector<std::byte> record_;
    std::vector<std::shared_ptr<void>> memory_;
    std::uint32_t next_number_ = 1;
    std::uint64_t since_;
    std::optional<std::uint64_t> unfinished_;  ///< where a checkpoint began that has not ended
    std::uint64_t promised_ = 0;
    std::uint64_t promise_count_ = 0;
    std::uint64_t kept_ = 0;  ///< see keep_room
};

}  // namespace quire::inline QUIRE_ABI::detail
