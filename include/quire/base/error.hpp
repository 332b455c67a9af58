// SPDX-License-Identifier: BSL-1.0
#pragma once

/// error: what can fail at run time, as one closed set of codes with their data.
///
/// A `quire::error` is a `std::system_error`: `code()` is a `quire::errc` in quire's category. With
/// it are the operation, the file, the page, and the system's errno (0 when none was involved).
/// `what()` gives all of it in one line, for example
///
///     read of page 5 of users.db (Input/output error): read failed
///
/// Codes compare with `errc` directly:
///
///     catch (quire::error const& e) { if (e.code() == quire::errc::corrupt_page) ... }
///
/// An error object needs memory itself. Without any, what leaves is std::bad_alloc, and the state
/// is the one that the error promises.
///
/// Bugs of the caller are not errors (contract.hpp); expected outcomes are in the return type.

#include <quire/base/page_id.hpp>

#include <string>        // std::string
#include <string_view>   // std::string_view
#include <system_error>  // std::system_error, std::error_code

namespace quire::inline QUIRE_ABI {

enum class errc {
    open_failed = 1,          ///< the file could not be opened; errno says why
    file_locked,              ///< another opener holds a lock that excludes this one
    direct_io_refused,        ///< the file system has no O_DIRECT and buffered I/O was not allowed
    misaligned_page_size,     ///< the page size is not a multiple of what the device requires
    size_not_page_multiple,   ///< the file's size is not a whole number of pages
    too_many_files,           ///< every file slot of the pool is taken
    file_too_large,           ///< the file has more pages than the pool was set up for
    page_out_of_range,        ///< no such page in this file
    read_failed,              ///< the device refused a read; errno says why
    write_failed,             ///< the device refused a write; the page stays dirty
    sync_failed,              ///< a sync failed: from then on the file refuses every write
    lock_lost,                ///< another opener took the file's lock: it refuses every write
    grow_failed,              ///< the file could not grow or shrink; its size is unchanged
    close_failed,             ///< the system reported an error on closing
    short_read,               ///< the file ended in the middle of a page
    corrupt_page,             ///< a page's bytes contradict its seal or its format
    blank_page,               ///< a page of zeros: grown, never written
    wrong_page_kind,          ///< the page is of another kind than the requested one
    read_only,                ///< a write to a file opened for reading
    no_free_frame,            ///< every frame (the pool's, or a frames_max) is held or unwritable
    timed_out,                ///< a wait reached its deadline; the message says for what
    in_use,                   ///< a guard is held on a page of the file
    forked,                   ///< the pool belongs to the parent process
    reentered,                ///< the log hook called its own pool
    log_failed,               ///< the log hook threw, or did not make the log durable far enough
    out_of_memory,            ///< there is none for the pool, a file, or what is asked for
    bad_option,               ///< an option of a pool or a file makes no sense
    no_such_tuple,            ///< the slot holds no tuple
    tuple_too_large,          ///< the tuple fits into no page of this size, or passes a row's limit
    row_mismatch,             ///< a tuple's bytes are not a row of the requested type
    held_here,                ///< this thread holds the page, and would wait for itself
    log_corrupt,              ///< the log's bytes are none that a crash can leave
    log_full,                 ///< the log's ring has no room before its next checkpoint
    log_mismatch,             ///< the log and a file do not belong together; the message says how
    needs_log,                ///< the file was not closed, and needs the log that it had
    needs_change,             ///< pages of a logged file are made and written in changes only
    conflict,                 ///< another thread has a page that a change wants: undo it, try again
    bad_key,                  ///< a key has no place in an order (NaN)
    catalog_mismatch,         ///< a catalog has something else under a name; the message has both
    duplicate_key,            ///< a row of a table with that key is there already (unique)
};

namespace detail {

class error_category final : public std::error_category {
public:
    [[nodiscard]] char const* name() const noexcept override { return "quire"; }

    [[nodiscard]] std::string message(int code) const override {
        switch (static_cast<errc>(code)) {
            case errc::open_failed: return "cannot open file";
            case errc::file_locked: return "file is locked by another opener";
            case errc::direct_io_refused: return "direct I/O is not offered here";
            case errc::misaligned_page_size: return "page size does not fit the device's alignment";
            case errc::size_not_page_multiple: return "file is not a whole number of pages";
            case errc::too_many_files: return "too many open files in this pool";
            case errc::file_too_large: return "file has more pages than the pool allows";
            case errc::page_out_of_range: return "no such page";
            case errc::read_failed: return "read failed";
            case errc::write_failed: return "write failed, the page stays dirty";
            case errc::sync_failed: return "sync failed, the file refuses further writes";
            case errc::lock_lost: return "another opener took the lock, the file refuses writes";
            case errc::grow_failed: return "file could not grow";
            case errc::close_failed: return "close failed";
            case errc::short_read: return "file ends inside a page";
            case errc::corrupt_page: return "page is corrupt";
            case errc::blank_page: return "page is blank";
            case errc::wrong_page_kind: return "page is of another kind";
            case errc::read_only: return "file is open for reading only";
            case errc::no_free_frame: return "no free frame: all are held, pinned or unwritable";
            case errc::timed_out: return "timed out";
            case errc::in_use: return "a page of the file is in use";
            case errc::forked: return "the pool belongs to the parent process";
            case errc::reentered: return "the log hook re-entered its pool";
            case errc::log_failed: return "the log is not durable far enough";
            case errc::out_of_memory: return "out of memory";
            case errc::bad_option: return "bad option";
            case errc::no_such_tuple: return "no tuple in this slot";
            case errc::tuple_too_large: return "tuple is larger than a page or its limits allow";
            case errc::row_mismatch: return "tuple is not a row of this type";
            case errc::held_here:
                return "this thread holds a guard of the page: end that guard first";
            case errc::log_corrupt: return "log is corrupt";
            case errc::log_full: return "log has no room before its next checkpoint";
            case errc::log_mismatch: return "the log and the file do not belong together";
            case errc::needs_log: return "the file needs its log: open it logged, with that log";
            case errc::needs_change: return "the file is logged: use a change of the pool";
            case errc::conflict: return "another thread has a page of this change";
            case errc::bad_key: return "a key that has no place in an order";
            case errc::catalog_mismatch: return "the catalog has something else";
            case errc::duplicate_key: return "a row with this key is there already";
        }
        return "unknown error";
    }
};

}  // namespace detail

/// quire's category: an immutable object.
[[nodiscard]] inline std::error_category const& error_category() noexcept {
    static detail::error_category const category;
    return category;
}

[[nodiscard]] inline std::error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), error_category()};
}
/// By the category's name, not by its address: shared objects of one program may each have a
/// category of their own.
[[nodiscard]] inline bool operator==(std::error_code const& code, errc value) noexcept {
    return code.value() == static_cast<int>(value) &&
           std::string_view{code.category().name()} == error_category().name();
}

/// What an error says beside its code and its operation.
struct error_details {
    page_id page = page_id::none();
    int system = 0;             ///< errno, or 0
    std::string_view path = {};  ///< of the file that it is about
    std::string_view why = {};  ///< for the message
};

/// A failure: its code, the operation, the file, the page, and the system's errno.
class error : public std::system_error {
public:
    /// `operation` is a short literal such as "read" or "open users.db".
    error(errc code, std::string_view operation, error_details const& details)
        : std::system_error{make_error_code(code), describe(operation, details)},
          operation_{std::string{operation}},
          path_{std::string{details.path}},
          page_{details.page},
          system_{details.system} {}
    error(errc code, std::string_view operation, page_id page = page_id::none(), int system = 0)
        : error{code, operation, error_details{.page = page, .system = system}} {}

    [[nodiscard]] errc kind() const noexcept { return static_cast<errc>(code().value()); }
    [[nodiscard]] std::string_view operation() const noexcept { return operation_.what(); }
    /// The page it is about, or `page_id::none()`: then it is about the file, or about none.
    [[nodiscard]] page_id page() const noexcept { return page_; }
    /// The path of the file that it is about, as it was opened; empty if it is about none, for what
    /// a view finds in a page's bytes (a view does not know its file), and for errors of opening a
    /// file, whose operation() has the path.
    [[nodiscard]] std::string_view path() const noexcept { return path_.what(); }
    /// The system's errno, or 0.
    [[nodiscard]] int system_errno() const noexcept { return system_; }

private:
    static std::string describe(std::string_view operation, error_details const& details) {
        auto const& [page, system, path, why] = details;
        std::string text{operation};
        if (page != page_id::none()) { text += " of page " + std::to_string(page.page().value()); }
        if (!path.empty()) { text.append(" of ").append(path); }
        std::string because = system != 0 ? std::generic_category().message(system) : std::string{};
        if (!because.empty() && !why.empty()) { because += ": "; }
        because += why;
        if (!because.empty()) { text += " (" + because + ")"; }
        return text;
    }

    std::runtime_error operation_;  // strings whose copies cannot throw
    std::runtime_error path_;
    page_id page_;
    int system_;
};

}  // namespace quire::inline QUIRE_ABI

template <>
struct std::is_error_code_enum<quire::errc> : std::true_type {};
