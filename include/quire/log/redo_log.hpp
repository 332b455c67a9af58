// SPDX-License-Identifier: BSL-1.0
#pragma once

/// redo_log: records, one after the other, of which a crash leaves the first ones whole.
///
///     quire::redo_log<> log{"orders.log", {.bytes = 256 << 20}};     // made, or opened
///     auto const at = log.append(record);                    // in memory
///     log.sync(at);                                          // durable; one sync for all who wait
///     log.replay([](std::uint64_t lsn, std::span<std::byte const> record) { ... });
///     log.begin_after(lsn);                                  // what is before it is forgotten
///
/// An LSN is the position of a record's end. Records end in the order of their LSNs; if one is
/// durable, so are all before it. The file is a ring of fixed size: it has room again when
/// `begin_after` has moved the record where recovery begins.
///
/// It is for engines that have records of their own, and for pools, whose changes of several pages
/// are whole or not at all with one (pool/change.hpp). A pool's log is its own:
/// the program syncs it, and appends nothing.
///
/// The end. What `append` made and no `sync` covered may be there after a crash or not; but no
/// record is without its predecessor. Damage, in whatever sector, is errc::log_corrupt when the log
/// is opened, not a log that is shorter. Not noticed: a device that has an older sector where it
/// had synced a newer one.
///
/// How it is written. Appending copies the record into blocks of a buffer. Who syncs first writes
/// all that is there, with one sync, while others append to the next block; who comes meanwhile
/// waits, and the next of them writes for all. A block that was written is not written again, since
/// a device might lose what it had: so a sync fills its last block up, at most 4 KiB.
///
/// Invariants
///   I1. Blocks before `written_` are in the file, or fail; those from it on are in the buffer.
///       One thread uses the file at a time, and the blocks that it writes are not appended to.
///   I2. The ring has no block twice: end rounded up less the start's block is at most its size,
///       and a block less for the record that `begin_after` needs.
///   I3. After a failed write or sync nothing is appended or synced any more: what is in the file
///       is not known. (log_failed)
///
/// A file that is no log is refused, and not changed; but one of zeros becomes a log. The
/// destructor writes nothing: what was not synced is lost.
///
/// Threads: any; the constructor and the destructor alone. Not for a forked child.
/// Cost: `append` copies the record, under a mutex. Only notes and `replay` allocate.

#include <quire/io/direct_backend.hpp>
#include <quire/latch/event_count.hpp>
#include <quire/log/detail/log_file.hpp>

#include <algorithm>           // std::min
#include <atomic>              // std::atomic
#include <condition_variable>  // std::condition_variable
#include <list>                // std::list
#include <mutex>               // std::mutex

namespace quire::inline QUIRE_ABI {

template <class Backend>
struct redo_log_options {
    std::uint64_t bytes = std::uint64_t{64} << 20;  ///< of the file, when it is made
    std::size_t buffer_bytes = std::size_t{1} << 20;
    io_mode io = io_mode::direct;
    typename Backend::options backend = {};
};

template <file_backend Backend = direct_backend>
class redo_log : immovable {
    struct note {
        std::uint64_t lsn;
        std::vector<std::byte> bytes;
    };

public:
    /// Opens a log, or makes one. Errors: those of opening a file, bad_option, out_of_memory,
    /// log_corrupt, log_failed.
    explicit redo_log(std::string const& path, redo_log_options<Backend> const& options = {})
    try : buffer_blocks_{checked(options).buffer_bytes / detail::log_block},
          memory_{buffer_blocks_ + file_type::chunk_blocks, detail::log_block, huge_pages::off},
          file_{opened_memory(),
                memory_.bytes().subspan(buffer_blocks_ * detail::log_block),
                options.backend,
                {.path = path,
                 .mode = open_mode::open_or_create,
                 .io = options.io,
                 .page_size = detail::log_block},
                options.bytes} {
        end_ = file_.recover(longest(), [&](detail::log_record kind, std::uint64_t lsn,
                                               std::span<std::byte const> bytes) {
            if (kind == detail::log_record::note) {
                notes_.push_back({lsn, {bytes.begin(), bytes.end()}});
            }
        });
        start_ = file_.header().start;
        position_ = epoch_begin_ = detail::block_from(end_) * detail::log_block_payload;
        durable_ = position_;
        written_ = detail::block_of(position_);
        note_room();
    } catch (std::bad_alloc const&) {
        throw error{errc::out_of_memory, "open log"};
    }

    /// Adds a record; its LSN. Errors: log_full, log_failed, bad_option (see record_max).
    std::uint64_t append(std::span<std::byte const> record) {
        std::list<note> none;
        return append(detail::log_record::user, record, none);
    }
    /// Likewise, of a record that is kept in memory, too: for few and small ones. Errors:
    /// out_of_memory, too.
    std::uint64_t append_note(std::span<std::byte const> record) {
        std::list<note> kept;
        try {
            kept.push_back({0, {record.begin(), record.end()}});
        } catch (std::bad_alloc const&) { throw error{errc::out_of_memory, "append to log"}; }
        return append(detail::log_record::note, record, kept);
    }
    /// `fn(bytes)` for the notes that the log has, in order. `fn` does not use the log.
    template <class Fn>
    void for_each_note(Fn fn) const {
        std::lock_guard const hold{mutex_};
        for (auto const& one : notes_) { fn(std::span<std::byte const>{one.bytes}); }
    }
    /// The largest record, in bytes: a quarter of the ring, or half of the buffer if that is less.
    [[nodiscard]] std::uint64_t record_max() const noexcept {
        auto const of_buffer = buffer_blocks_ / 2 * detail::log_block_payload - reader::prefix;
        return std::min<std::uint64_t>(of_buffer, longest());
    }

    /// Makes the log durable at least up to `lsn`, or its end. Errors: log_failed; then what is in
    /// the file is not known.
    void sync(std::uint64_t lsn) {
        while (durable_.load(std::memory_order_acquire) < lsn) {
            std::unique_lock hold{mutex_};
            if (lsn > end_) { lsn = end_; }
            if (durable_.load(std::memory_order_relaxed) >= lsn) { return; }
            if (!writing_) { return write(hold, true); }
            auto const turn = lsn <= syncing_to_ ? turn_ : turn_ + 1;
            auto const seen = turns_.announce();
            hold.unlock();
            turns_.sleep(seen, key_of(turn), std::chrono::seconds{1});
            turns_.leave();
        }
    }
    /// Every record with an LSN up to this one is durable.
    [[nodiscard]] std::uint64_t durable() const {
        std::lock_guard const hold{mutex_};
        return std::min(durable_.load(std::memory_order_relaxed), end_);
    }
    /// The LSN of the last record.
    [[nodiscard]] std::uint64_t end() const {
        std::lock_guard const hold{mutex_};
        return end_;
    }
    [[nodiscard]] std::string const& path() const noexcept { return file_.path(); }
    [[nodiscard]] auto const& history() const noexcept { return file_.header().history; }
    [[nodiscard]] auto const& absolute_path() const noexcept { return file_.absolute_path(); }

    /// Room is counted in blocks of 4 KiB: how many can be appended now; how many the ring has; and
    /// how many a record of `size` bytes needs at most, with what a sync fills up behind it.
    [[nodiscard]] std::uint64_t room() const noexcept { return room_; }
    [[nodiscard]] std::uint64_t ring_blocks() const noexcept { return file_.header().blocks; }
    [[nodiscard]] static constexpr std::uint64_t blocks_for(std::uint64_t size) noexcept {
        return detail::block_from(size + reader::prefix + reader::alignment) + 1;
    }

    /// For pools: a log is one pool's. False: it is another's.
    [[nodiscard]] bool claim() noexcept { return !claimed_.exchange(true); }
    void give_up() noexcept { claimed_ = false; }

    /// Errors: log_failed.
    void require_sound() const {
        if (int const why = failed_.load(); why != 0) {
            throw error{errc::log_failed, "write log " + path(), {}, why < 0 ? 0 : why};
        }
    }
    /// Where recovery begins: the LSN of the record before.
    [[nodiscard]] std::uint64_t begin() const {
        std::lock_guard const hold{mutex_};
        return start_;
    }
    /// `fn(lsn, bytes)` for each record from where recovery begins to the end that the log has now,
    /// which is made durable first. `fn` may use the log, but for `begin_after`.
    /// Errors: log_corrupt, log_failed, out_of_memory, and those of `fn`.
    template <class Fn>
    void replay(Fn fn) try {
        auto const last = end();
        sync(last);
        auto const exclusively = [&](auto act) {
            std::unique_lock hold{mutex_};
            wait_for_file(hold);
            alone(hold, act, [] {}, false);
        };
        auto const tell = [&](detail::log_record kind, std::uint64_t lsn, auto bytes) {
            if (kind != detail::log_record::log && lsn <= last) { fn(lsn, bytes); }
        };
        std::vector<std::byte> room(file_type::chunk_blocks * detail::log_block);
        file_.scan(longest(), room, exclusively, tell);
    } catch (std::bad_alloc const&) {
        throw error{errc::out_of_memory, "read log"};
    }

    /// From now on recovery begins with the record after `lsn`, which makes room. Makes the log
    /// durable first. Errors: log_full, log_failed.
    /// Expects: `lsn` is that of a record. One before where recovery begins changes nothing.
    void begin_after(std::uint64_t lsn) {
        std::unique_lock hold{mutex_};
        QUIRE_EXPECTS(lsn <= end_, "a log begins after a record that it has");
        if (lsn <= start_) { return; }
        if (lsn == end_) { add(hold, detail::log_record::log, {}, spare); }
        auto const last = end_;
        wait_for_file(hold);
        while (durable_.load(std::memory_order_relaxed) < last) {
            write(hold, true);
            wait_for_file(hold);
        }
        require_sound();
        if (lsn <= start_) { return; }  // another thread was here
        alone(hold, [&] { file_.begin_at(lsn); }, [&] {
            start_ = lsn;
            note_room();
            std::erase_if(notes_, [&](note const& one) { return one.lsn <= lsn; });
        });
    }

private:
    using file_type = detail::log_file<Backend>;
    using reader = detail::log_reader;
    static constexpr std::uint64_t max_length = 0xFFFF'0000;
    static constexpr std::uint64_t spare = 2;  // blocks: for a record of the log's own

    static redo_log_options<Backend> const& checked(redo_log_options<Backend> const& options) {
        constexpr auto blocks_min = file_type::blocks_min + detail::log_device<Backend>::headers;
        if (options.bytes / detail::log_block < blocks_min ||
            options.buffer_bytes / detail::log_block < 4) {
            throw error{errc::bad_option, "open log: it has at least 72 KiB, its buffer 16 KiB"};
        }
        return options;
    }
    /// Of any log with such a ring, whatever buffer it was written with.
    [[nodiscard]] std::uint64_t longest() const noexcept {
        return std::min(ring_blocks() / 4 * detail::log_block_payload, max_length) -
               reader::prefix;
    }
    std::uint64_t append(detail::log_record kind, std::span<std::byte const> record,
                         std::list<note>& kept) {
        if (record.size() > record_max()) {
            throw error{errc::bad_option, "append to log: the record is larger than record_max()"};
        }
        std::unique_lock hold{mutex_};
        add(hold, kind, record);
        for (auto& one : kept) { one.lsn = end_; }
        notes_.splice(notes_.end(), kept);
        return end_;
    }
    [[nodiscard]] arena const& opened_memory() const noexcept {
        return unpoison(memory_.bytes()), memory_;
    }
    [[nodiscard]] detail::log_block_bytes in_buffer(std::uint64_t block) const noexcept {
        return memory_.bytes()
            .subspan(block % buffer_blocks_ * detail::log_block)
            .template first<detail::log_block>();
    }
    static detail::wake_key key_of(std::uint64_t turn) noexcept {
        return detail::wake_key::numbered(turn % 2);
    }

    // The mutex is held, before and after, from here on.

    /// `position_` or `start_` has moved.
    void note_room() noexcept {
        auto const used = detail::block_from(position_) + spare;
        auto const end = detail::block_of(start_) + ring_blocks();
        room_.store(used < end ? end - used : 0, std::memory_order_relaxed);
    }
    void add(std::unique_lock<std::mutex>& hold, detail::log_record kind,
             std::span<std::byte const> record, std::uint64_t spared = 0) {
        auto const size = reader::prefix + record.size();
        for (;;) {
            require_sound();
            auto const end = detail::block_from(position_ + size);
            if (end + spare - spared > detail::block_of(start_) + ring_blocks()) {
                throw error{errc::log_full, "append to log " + path()};
            }
            if (end <= written_ + buffer_blocks_) { break; }
            writing_ ? wait_for_file(hold) : write(hold, false);
        }
        put(detail::record_prefix(kind, record.size()));
        put(record);
        position_ = end_ = reader::aligned(position_);
        note_room();
    }
    void put(std::span<std::byte const> bytes) noexcept {
        while (!bytes.empty()) {
            auto const count =
                detail::put_some(in_buffer(detail::block_of(position_)), position_, bytes);
            bytes = bytes.subspan(count);
            position_ += count;
        }
    }

    void wait_for_file(std::unique_lock<std::mutex>& hold) {
        cancellation_off const meanwhile;
        while (writing_) { changed_.wait(hold); }
    }
    /// Writes the blocks that are full, or all that there is and a sync.
    /// Expects: no other thread uses the file.
    void write(std::unique_lock<std::mutex>& hold, bool durably) {
        require_sound();
        if (durably) {
            syncing_to_ = position_ = detail::block_from(position_) * detail::log_block_payload;
            ++turn_;
            note_room();
        }
        auto const from = written_;
        auto const to = detail::block_of(position_);
        detail::log_sector const mark{0, durable_.load(std::memory_order_relaxed), epoch_begin_,
                                      file_.header().epoch};
        alone(
            hold,
            [&] {
                write_blocks(from, to, mark);
                if (durably) { file_.sync(); }
            },
            [&] {
                written_ = to;
                if (!durably) { return; }
                durable_.store(to * detail::log_block_payload, std::memory_order_release);
            });
    }
    void write_blocks(std::uint64_t from, std::uint64_t to, detail::log_sector mark) {
        while (from < to) {
            auto const first = from % buffer_blocks_;
            auto const end = to - from < buffer_blocks_ - first
                                 ? first + (to - from)
                                 : buffer_blocks_;
            for (auto i = first; i < end; ++i) {
                mark.position = (from + (i - first)) * detail::log_block_payload;
                mark.seal(in_buffer(i));
            }
            file_.write(from, memory_.bytes().subspan(first * detail::log_block,
                                                      (end - first) * detail::log_block));
            from += end - first;
        }
    }
    /// `act()` without the mutex, while no other thread uses the file; then, with it, `done()`. For
    /// writes: an error is the log's end.
    template <class Act, class Done>
    void alone(std::unique_lock<std::mutex>& hold, Act act, Done done, bool writes = true) {
        writing_ = true;
        hold.unlock();
        std::exception_ptr failure = nullptr;
        int system = 0;
        try {
            act();
        } catch (error const& why) {
            failure = std::current_exception();
            system = why.system_errno() != 0 ? why.system_errno() : -1;
        } catch (...) {
            failure = std::current_exception();
            system = -1;
        }
        hold.lock();
        writing_ = false;
        if (failure == nullptr) {
            done();
        } else if (writes) {
            failed_ = system;
        }
        auto const turn = turn_;
        bool const is_over = failed_ != 0;
        changed_.notify_all();
        hold.unlock();  // those who are woken need not wait for it
        turns_.wake(key_of(turn));
        is_over ? turns_.wake(key_of(turn + 1)) : turns_.wake_one();
        hold.lock();
        if (failure != nullptr) { std::rethrow_exception(failure); }
    }

    std::size_t const buffer_blocks_;
    arena memory_;  ///< the buffer's blocks, a ring, and a chunk for the file
    file_type file_;
    std::list<note> notes_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;  ///< the file is free
    /// Where those sleep whom sync number `turn_` serves, or the next one. When the file is free
    /// the first go on, and one of the others begins the next sync.
    detail::event_count turns_;
    std::uint64_t start_ = 0;     ///< where recovery begins, durably
    std::uint64_t position_ = 0;  ///< of the next byte
    std::uint64_t end_ = 0;       ///< the last LSN
    std::uint64_t written_ = 0;   ///< block
    std::atomic<std::uint64_t> durable_{0};  ///< changed under the mutex
    std::uint64_t epoch_begin_ = 0;
    std::atomic<std::uint64_t> room_{0};  ///< changed under the mutex
    std::uint64_t turn_ = 0;        ///< syncs that have begun
    std::uint64_t syncing_to_ = 0;  ///< what the last one covers
    bool writing_ = false;
    std::atomic<bool> claimed_{false};
    std::atomic<int> failed_ = 0;  ///< errno; -1: without one
};

}  // namespace quire::inline QUIRE_ABI
