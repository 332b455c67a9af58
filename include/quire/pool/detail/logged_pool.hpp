// SPDX-License-Identifier: BSL-1.0
#pragma once

/// logged_pool: a pool's log at work: logged files are opened and closed, and checkpoints made.
///
/// open        the log's records of the file are replayed; or else it gets a number in the log. A
///             crash before the next checkpoint replays the older records again, and then others.
/// close       the file is written and synced as always, and the log told that none of its records
///             is needed. `unwritten::discard` is a crash of this file: opening it replays.
/// leave, join between them the log has no record of a file that is open; nor does it change then,
///             but by `change_outside`. For what the file itself must say of its log (log_opening):
///             it says so before the log has a record of its changes, and not any more when the log
///             has none.
/// truncate    is a change of its own: the log is told, durably; then the file is cut.
/// checkpoint  begins with a record that tells which files are open; everything that is dirty is
///             written, every logged file synced; then the log begins there. Images in the log are
///             newer than the begin of a checkpoint or are made again: so there is one for every
///             page with a range, wherever a crash comes.
///
/// While the log has records of a file that has not been opened again nothing is forgotten: a
/// checkpoint writes, and makes no room.
///
/// Threads: any; but opening, closing and checkpoints one at a time, by a mutex that is held across
/// their I/O.

#include <quire/pool/detail/change_log.hpp>
#include <quire/pool/detail/file_closing.hpp>
#include <quire/pool/detail/file_keeper.hpp>
#include <quire/pool/detail/file_opening.hpp>
#include <quire/pool/detail/log_replay.hpp>
#include <quire/pool/detail/page_removal.hpp>

#include <memory>  // std::shared_ptr

namespace quire::inline QUIRE_ABI::detail {

template <class Core>
class logged_pool final : public file_keeper<typename Core::file_type> {
    using backend_type = typename Core::types::backend_type;

public:
    using file_type = typename Core::file_type;
    using log_type = redo_log<backend_type>;

    /// Errors: see change_log.
    logged_pool(Core& core, log_type& log) : changes{log, Core::page_size}, core_{core} {}

    /// That of a pool.
    [[nodiscard]] static logged_pool& of(Core& core) noexcept {
        return static_cast<logged_pool&>(*core.keeper);
    }
    /// The options of a pool whose log hook is the log.
    [[nodiscard]] static pool_options<backend_type> with_hook(pool_options<backend_type> options,
                                                              log_type& log) {
        if (options.durable) {
            throw error{errc::bad_option, "make a pool: with a log it has no other log hook"};
        }
        options.durable = [&log](std::uint64_t lsn) {
            log.sync(lsn);
            return log.durable();
        };
        return options;
    }

    change_log<backend_type> changes;

    /// See buffer_pool::checkpoint.
    void make_checkpoint() {
        std::lock_guard const alone{keeping_};
        checkpoint({});
    }
    /// See buffer_pool::forget.
    void forget(std::string const& path) {
        std::lock_guard const alone{keeping_};
        auto const found = changes.look_up(changes.name_of(path));
        if (found.state == file_state::open) { throw error{errc::in_use, "forget " + path}; }
        changes.forget_file(found.number);
    }

    /// Promises `blocks` of the log. When room is scarce, one thread tries a checkpoint; when there
    /// is none, all wait for one, and for other changes to end. Returns memory of an earlier
    /// change, or null. Errors: those of a checkpoint, log_full.
    [[nodiscard]] std::shared_ptr<void> promise_room(std::uint64_t blocks) {
        std::shared_ptr<void> memory;
        switch (changes.promise(blocks, memory)) {
            case room::enough: return memory;
            case room::scarce: try_checkpoint(); return memory;
            case room::none: break;
        }
        for (auto const until = core_.deadline_of({});;) {
            auto const before = changes.promises();
            std::unique_lock alone{keeping_};
            if (changes.promise(blocks, memory) != room::none) { return memory; }
            checkpoint({});
            if (changes.promise(blocks, memory) != room::none) { return memory; }
            alone.unlock();
            if (!changes.wait_for_room(before) || has_passed(until)) {
                throw changes.log_is_full();
            }
        }
    }

    [[nodiscard]] file_type& open_logged(std::string const& path, open_mode mode,
                                         file_options const& options) override try {
        cancellation_off const meanwhile;
        std::lock_guard const alone{keeping_};
        if (options.follow_symlink) {
            throw error{errc::bad_option, "open " + path,
                        {.why = "a log knows its files by their names: a logged file is opened by "
                                "its own, not by that of a link"}};
        }
        auto name = changes.name_of(path);
        auto& file = file_opening{core_, options}.open(path, mode);
        try {
            if (file.file->writable()) { file_flush{core_, file}.sync({}); }
            file.log_name = std::move(name);  // the program's folder may change
            auto known = changes.look_up(file.log_name);
            if (known.state == file_state::open) {  // by a name that the backend does not know
                throw file.failure(errc::file_locked, "open", file.number);
            }
            if (mode == open_mode::create_or_replace && known.state == file_state::left_over) {
                changes.forget_file(known.number);
                known.state = file_state::unknown;
            }
            file.imaged.emplace(file.pages->pages());
            if (known.state == file_state::left_over) {
                if (!file.file->writable()) {  // it cannot be made what its records say
                    throw file.failure(errc::read_only, "replay", file.number);
                }
                log_replay{core_, file, changes, known.number, known.opening}.run();
            }
            file.log_number = add(file, file.log_name);
            changes.log().sync(changes.log().end());  // the file grows: its size will say nothing
            file.dirty_limit.store(0, std::memory_order_relaxed);  // see open_file, I4
        } catch (...) {
            give_up(file);
            throw;
        }
        return file;
    } catch (std::bad_alloc const&) {
        throw error{errc::out_of_memory, "open"};
    }
    void require_no_records(std::string const& path) override {
        std::lock_guard const alone{keeping_};
        if (changes.look_up(changes.name_of(path)).state == file_state::left_over) {
            throw error{errc::log_mismatch,
                        "open " + path + ": the log has records of it, so it is opened logged"};
        }
    }
    /// Whether a logged file has left its log.
    [[nodiscard]] static bool is_outside(file_type const& file) noexcept {
        return file.log_number == left_its_log;
    }
    /// In which opening of the log the records of a file began; 0 if it has left.
    [[nodiscard]] std::uint64_t opening_of(file_type const& file) {
        return changes.look_up(file.log_name).opening;
    }
    /// The file is what its pages are, and as long. Errors: those of a flush, grow_failed,
    /// log_failed: then the file has not left. Expects: no other thread uses the file. Nothing
    /// happens if it has left.
    void leave(file_type& file) {
        std::lock_guard const alone{keeping_};
        if (is_outside(file)) { return; }
        file_flush{core_, file}.write_and_sync({});
        {
            file_latch const growing{core_, file, file.grow, core_.deadline_of({}), "close",
                                     file.number};
            trim_file(core_, file, file.number);
        }
        changes.forget_file(file.log_number);
        file.log_number = left_its_log;
    }
    /// Errors: log_full, log_failed, out_of_memory, those of a checkpoint: then the file has not
    /// joined.
    /// Expects: it has left.
    void join(file_type& file) {
        std::lock_guard const alone{keeping_};
        file.imaged.emplace(file.pages->pages());  // none that a replay will find
        auto const number = add(file, file.log_name);
        try {
            changes.log().sync(changes.log().end());
        } catch (...) {
            changes.leave_file(number);
            throw;
        }
        file.log_number = number;
    }
    /// Page `no` becomes what `fn(bytes)` makes of it, durably, without a record; `fn` throws
    /// nothing. A power loss may tear the page. Errors: those of writing a page, and of a flush.
    /// Expects: the file has left.
    template <class Fn>
    void change_outside(file_type& file, page_no no, Fn fn) {
        page_id const id{file.number, no};
        core_.require_writable(file, file.number, "change", writing_by::changes);
        auto const at = core_.template enter<access::exclusive>(file, id, no, {}, "change");
        core_.modified(at, id);
        fn(core_.frames.bytes(at));
        core_.template leave<access::exclusive>(at, id);
        file_flush{core_, file}.write_and_sync({});
    }
    [[nodiscard]] log_history const& history() const noexcept override {
        return changes.log().history();
    }
    void truncate(file_type& file, file_no number, std::uint64_t pages) override {
        core_.require_own_process("truncate");
        core_.expect_holds_nothing(
            "a thread that truncates a logged file holds no guard of the pool, and no change");
        if (is_outside(file)) {
            throw file.failure(errc::in_use, "truncate", number, 0, leaving);
        }
        constexpr std::uint64_t one_record = 4;  // blocks
        auto memory = promise_room(one_record);
        try {
            truncate_file(core_, file, number, pages, [&] {
                changes.log().sync(changes.cut_file(file.log_number, pages));
                return true;
            });
        } catch (std::bad_alloc const&) {
            changes.take_back(one_record, std::move(memory));
            throw file.failure(errc::out_of_memory, "truncate", number);
        } catch (...) {
            changes.take_back(one_record, std::move(memory));
            throw;
        }
        changes.take_back(one_record, std::move(memory));
    }
    void close(file_type& file, file_no number, unwritten dirty) override {
        core_.require_own_process("close");
        std::lock_guard const alone{keeping_};
        auto const log_number = file.log_number.load(std::memory_order_relaxed);
        try {
            file_closing{core_, file, number}.close(dirty, [&] {  // the file is locked until then
                if (dirty == unwritten::write) { changes.forget_file(log_number); }
            });
        } catch (...) {
            if (!file.is_open()) { changes.leave_file(log_number); }
            throw;
        }
        changes.leave_file(log_number);
    }

private:
    using room = typename change_log<backend_type>::room;
    using file_state = typename change_log<backend_type>::file_state;

    // `keeping_` is held, but for try_checkpoint.

    /// With a file left over everything is written, and the log stays as it is.
    void checkpoint(access_options const& how) {
        bool const ends = changes.left_over().empty();
        auto const begin = ends ? changes.begin_checkpoint() : 0;
        for (auto& slot : core_.files) {
            if (slot.log_number != 0) { file_flush{core_, slot}.flush_if_open(how); }
        }
        if (ends) { changes.end_checkpoint(begin); }
    }
    /// Unless another thread does so, or it was in vain a moment ago. Waits for no page: what goes
    /// wrong is told to the thread that finds no room.
    void try_checkpoint() noexcept {
        constexpr std::chrono::nanoseconds pause = std::chrono::milliseconds{50};
        cancellation_off const meanwhile;
        std::unique_lock const alone{keeping_, std::try_to_lock};
        if (!alone.owns_lock() || !has_passed(next_try_)) { return; }
        try {
            if (!changes.left_over().empty()) { return; }
            checkpoint(without_waiting);
        } catch (std::exception const&) { next_try_ = deadline_after(pause); }
    }
    /// The file's number in the log, after a checkpoint if there is no room for it.
    [[nodiscard]] std::uint32_t add(file_type& file, std::string const& name) {
        auto const pages = file.page_count.load(std::memory_order_relaxed);
        try {
            return changes.open_file(name, pages);
        } catch (error const& why) {
            if (why.code() != errc::log_full) { throw; }
        }
        checkpoint({});
        return changes.open_file(name, pages);
    }
    /// Of a file that cannot be opened. Its records are needed.
    void give_up(file_type& file) noexcept {
        auto const log_number = file.log_number.load(std::memory_order_relaxed);
        try {
            file_closing{core_, file, file.number}.close(unwritten::discard);
        } catch (std::exception const&) {}  // the first failure is told
        changes.leave_file(log_number);
    }

    Core& core_;
    std::mutex keeping_;
    deadline next_try_ = deadline::min();
};

}  // namespace quire::inline QUIRE_ABI::detail
