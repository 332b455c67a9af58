// SPDX-License-Identifier: BSL-1.0
#pragma once

/// pages: what the tests of genuine faults share: the pool under test, pages that carry a version
/// in every sector, and errors looked at closely.
///
/// The pool is the one that users get, over direct_backend; only where the test's folder has no
/// direct I/O its files are buffered.

#include <quire/pool/buffer_pool.hpp>

#include "death.hpp"
#include "pool/stamped.hpp"
#include "temp_dir.hpp"

#include <optional>
#include <stdexcept>
#include <string>

namespace quire_test {

using plain_pool = quire::buffer_pool<>;
using plain_file = plain_pool::file;

inline constexpr std::size_t page_bytes = 4096;
static_assert(page_bytes == plain_pool::page_size);
inline constexpr quire::file_options as_offered{.io = quire::io_mode::direct_or_buffered};

/// Small pages of memory, patience for a busy machine, no stories on stderr.
[[nodiscard]] inline plain_pool::options_type frames(std::size_t count) {
    return {.frames = count,
            .huge = quire::huge_pages::off,
            .wait_max = std::chrono::minutes{2},
            .frame_wait_max = std::chrono::minutes{2},
            .on_loss = [](std::string const&, quire::error const&) {}};
}

// ---- versions -------------------------------------------------------------------------------

/// The version in every sector; two versions in one page are an exception that no test expects.
template <class Guard>
[[nodiscard]] std::uint64_t version_in(Guard const& guard) {
    auto const version = stamp_of(*guard);
    if (!version) { throw std::logic_error{"a page of two versions was let through"}; }
    return *version;
}

[[nodiscard]] inline std::uint64_t version_on(plain_file const& file, std::uint64_t no) {
    auto const page = file.read(no);
    return version_in(page);
}

inline void put_version(plain_file const& file, std::uint64_t no, std::uint64_t version) {
    auto page = file.write(no);
    stamp(*page, version);
}

inline void append_version(plain_file const& file, std::uint64_t version) {
    auto page = file.append();
    stamp(*page, version);
}

/// Whether pages `from` up to, not including, `to` all have `version`.
[[nodiscard]] inline bool all_have(plain_file const& file, std::uint64_t from, std::uint64_t to,
                                   std::uint64_t version) {
    for (auto no = from; no < to; ++no) {
        if (version_on(file, no) != version) { return false; }
    }
    return true;
}

// ---- errors ---------------------------------------------------------------------------------

/// The quire::error that `call` ends with, if it does. Others go on their way.
template <class Call>
[[nodiscard]] std::optional<quire::error> thrown_by(Call call) {
    try {
        call();
    } catch (quire::error const& e) {
        return e;
    }
    return std::nullopt;
}

/// Whether `call` is refused with exactly this code and errno.
template <class Call>
[[nodiscard]] bool refused(Call call, quire::errc kind, int system = 0) {
    auto const e = thrown_by(call);
    return e && e->kind() == kind && e->system_errno() == system;
}

}  // namespace quire_test

/// In a child: the first of the conditions that does not hold is what failure_of returns.
#define MUST(condition) \
    do { \
        if (!(condition)) { return std::string{#condition}; } \
    } while (false)
