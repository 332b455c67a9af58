// SPDX-License-Identifier: BSL-1.0
#pragma once

/// closing_mark: what page 0 of a file of tables says of the file's last use: that it was closed,
/// or which log it needs, or that nobody knows whether it is whole.
///
/// With a log. The log has changes of the file only while page 0 says durably that the file needs
/// it. So the mark is made and taken back while the log has none: the file leaves its log, which
/// writes everything; page 0 is written outside of the log; the file joins it again, or is closed.
/// The page 0 of a new file is a change itself, and says in which opening its records began: an
/// earlier one, if a crash left nothing but the file's name in the log.
/// A crash in between leaves a file that is whole, and refused without its log or not. Only the
/// first sector of the page changes then: no power loss tears it.
///
/// Without a log. "Closed" is taken back, durably, before the first change of a life. What page 0
/// says when it is read may not be durable: the program that wrote it may have been killed.
///
/// Invariant: `must_begin` is false only while page 0 says durably that the file is being changed,
/// or the file is new, and nothing durable says otherwise.
///
/// Threads: `begin`, `accept` any; all else alone.

#include <quire/table/catalog_page.hpp>
#include <quire/table/unlogged_change.hpp>

#include <atomic>  // std::atomic
#include <mutex>   // std::mutex

namespace quire::inline QUIRE_ABI::detail {

template <class Pool>
class closing_mark : immovable {
    using file_type = typename Pool::file;
    using log_type = logged_pool<std::remove_reference_t<decltype(
        std::declval<file_type const&>().core())>>;
    using view_type = catalog_page<std::byte const, Pool::page_size>;

public:
    closing_mark(Pool& pool, file_type const& file)
        : pool_{pool}, file_{file}, must_begin_{file.is_logged()} {}

    /// Of page 0 as it was found. Errors: needs_log, log_mismatch.
    void look_at(view_type const& page_0, lost_log without) {
        auto const needed = page_0.log();
        bool const has_log = needed == needed_log{} || is_here(needed);
        if (!has_log && without == lost_log::refused) { refuse_without(needed); }
        was_clean_ =
            !page_0.is_in_doubt() && (needed == needed_log{} ? page_0.is_closed() : has_log);
        accepted_ = was_clean_;
        must_begin_ = true;
    }
    /// What page 0 of a new file says.
    [[nodiscard]] needed_log log_of_its_records() const {
        auto found = its_log();
        if (file_.is_logged()) { found.opening.opening = log().opening_of(file_.slot()); }
        return found;
    }

    [[nodiscard]] bool was_clean() const noexcept { return was_clean_; }
    void accept() {
        std::lock_guard const alone{marking_};
        accepted_ = true;
    }
    [[nodiscard]] bool must_begin() const noexcept {
        return must_begin_.load(std::memory_order_acquire);
    }

    /// Before the first change of a life, or each time. Errors: those of writing page 0, of a
    /// flush, and of a log.
    void begin() {
        std::lock_guard const alone{marking_};
        if (!must_begin_.load(std::memory_order_relaxed)) { return; }
        if (!file_.is_writable()) {
            throw file_.slot().failure(errc::read_only, "change", file_.number());
        }
        if (!file_.is_logged()) {
            change(false, {});
            file_.flush();
        } else if (!log_type::is_outside(file_.slot()) && is_marked()) {  // new, or a second one
            file_.flush();
        } else {
            log().leave(file_.slot());
            change_outside(false, its_log());
            log().join(file_.slot());
        }
        must_begin_.store(false, std::memory_order_release);
    }
    /// Before the file is closed. After an error, or if it is not closed, it is called again, or
    /// `begin`. Errors: likewise.
    void end() {
        if (!file_.is_writable() || is_marked_closed()) { return; }
        if (file_.is_logged()) {
            log().leave(file_.slot());
            must_begin_.store(true, std::memory_order_release);
            change_outside(accepted_, {});
        } else if (accepted_) {
            file_.flush();
            must_begin_.store(true, std::memory_order_release);
            change(true, {});
            file_.flush();
        }
    }

private:
    [[nodiscard]] log_type& log() const noexcept { return log_type::of(file_.core()); }
    [[nodiscard]] needed_log its_log() const {
        if (!file_.is_logged()) { return {}; }
        return {file_.log().now(), needed_log::hash_of_name(file_.slot().log_name)};
    }
    [[nodiscard]] bool is_here(needed_log const& needed) const {
        auto const history = file_.log();
        if (needed.name != its_log().name || needed.opening.log != history.log) { return false; }
        return history.log != 0 && (history.has(needed.opening) ||
                                    log().opening_of(file_.slot()) == needed.opening.opening);
    }
    [[nodiscard]] bool is_marked() const {
        auto const names = file_.template read<catalog_page>(0);
        return names->log() == its_log() && !names->is_closed() &&
               names->is_in_doubt() == !accepted_;
    }
    [[nodiscard]] bool is_marked_closed() const {
        auto const names = file_.template read<catalog_page>(0);
        return names->log() == needed_log{} && names->is_closed() && !names->is_in_doubt();
    }
    void set(catalog_page<std::byte, Pool::page_size>& names, bool closed,
             needed_log const& needed) const {
        names.set_closed(closed);
        names.set_in_doubt(!accepted_);
        names.set_log(needed);
    }
    void change(bool closed, needed_log const& needed) {
        quire::in_one_change(pool_, file_, [&](auto& pages) {
            auto names = pages.template write<catalog_page>(file_, 0);
            set(*names.operator->(), closed, needed);
        });
    }
    void change_outside(bool closed, needed_log const& needed) {
        log().change_outside(file_.slot(), 0, [&](auto bytes) {
            catalog_page<std::byte, Pool::page_size> names{bytes};
            set(names, closed, needed);
        });
    }
    [[noreturn]] void refuse_without(needed_log const& needed) const {
        auto const& its = needed.opening;
        auto const here = file_.log().now();
        auto why = "it was not closed, and needs log " + std::to_string(its.log);
        if (here.log == its.log) {
            why += file_.log().has(its) ? ", which knows it by another name"
                                        : "; this one is an older copy of it";
        } else if (here.log != 0) {
            why += ", not " + std::to_string(here.log);
        }
        throw file_.slot().failure(here.log == 0 ? errc::needs_log : errc::log_mismatch,
                                   "open a catalog", file_.id_of(0), 0, why);
    }

    Pool& pool_;
    file_type file_;
    std::mutex marking_;
    std::atomic<bool> must_begin_;
    bool was_clean_ = true;
    bool accepted_ = true;
};

}  // namespace quire::inline QUIRE_ABI::detail
