// SPDX-License-Identifier: BSL-1.0
#pragma once

/// outside_record: what a process was told about its pages, kept where its death cannot reach.
///
/// Memory that two processes share: every store is there for the survivor, whatever becomes of the
/// other. Versions of a page only rise, over all processes that work on one file.
///
///   begun   stored under the page's guard, before the bytes change: nothing newer can be on disk
///   done    stored under the same guard, after they changed: the next flush promises this much
///   acked   stored after a flush returned that began when `done` was this: must be on disk
///   floor   stored after a truncation returned that took the page: nothing older may come back
///
/// Threads: any, but only one flushes, cuts and appends.

#include "system/pages.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace quire_test {

class outside_record {
public:
    static constexpr std::size_t pages_max = 64;
    using versions = std::vector<std::uint64_t>;

    struct noted {
        int kind = 0;
        int system = 0;
    };
    struct shared_state {
        struct page_state {
            std::atomic<std::uint64_t> begun;
            std::atomic<std::uint64_t> done;
            std::atomic<std::uint64_t> acked;
            std::atomic<std::uint64_t> floor;
        };
        std::array<page_state, pages_max> pages;
        std::atomic<std::uint64_t> pages_acked;  ///< the file is at least that long
        std::atomic<std::uint64_t> longest;      ///< and was never asked to be longer
        std::atomic<std::uint64_t> flushes;      ///< that returned
        std::atomic<std::uint64_t> flushing;     ///< 1 while one is under way
        std::atomic<std::uint64_t> write_backs;
        std::array<noted, 256> errors;
        std::atomic<std::uint32_t> error_count;
        std::array<char, 200> problem;
    };
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

    /// Shared with children that are forked.
    outside_record() : outside_record{-1} {}
    /// Shared with whoever gives the same path.
    explicit outside_record(std::filesystem::path const& path)
        : outside_record{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)} {}
    outside_record(outside_record const&) = delete;
    outside_record& operator=(outside_record const&) = delete;
    ~outside_record() { ::munmap(state_, sizeof(shared_state)); }

    [[nodiscard]] shared_state& state() const noexcept { return *state_; }

    // ---- the one who works ------------------------------------------------------------------

    /// The next version of page `no`, which is held exclusively, goes into it.
    template <class Guard>
    std::uint64_t write(Guard& guard) {
        auto& page = state_->pages.at(guard.id().page().value());
        auto const version = page.begun + 1;
        page.begun = version;
        stamp(*guard, version);
        page.done = version;
        return version;
    }
    /// Before the file may become `pages` long.
    void grows_to(std::uint64_t pages) {
        if (pages > state_->longest) { state_->longest = pages; }
    }

    template <class Flush>
    void flush(plain_file const& file, Flush flush) {
        versions promised(pages_max);
        auto const pages = file.pages();
        for (std::size_t no = 0; no < pages_max; ++no) { promised[no] = state_->pages[no].done; }
        state_->flushing = 1;
        flush();
        state_->flushing = 0;
        for (std::size_t no = 0; no < pages_max; ++no) { state_->pages[no].acked = promised[no]; }
        state_->pages_acked = pages;
        ++state_->flushes;
    }

    /// `cut` shortens the file to `pages`, or throws, and then it is as it was.
    template <class Cut>
    void truncate(std::uint64_t pages, Cut cut) {
        versions acked(pages_max);
        auto const long_before = state_->pages_acked.load();
        for (auto no = pages; no < pages_max; ++no) {
            acked[no] = state_->pages[no].acked.exchange(0);
        }
        state_->pages_acked = std::min(pages, long_before);
        try {
            cut();
        } catch (...) {
            for (auto no = pages; no < pages_max; ++no) { state_->pages[no].acked = acked[no]; }
            state_->pages_acked = long_before;
            throw;
        }
        for (auto no = pages; no < pages_max; ++no) {  // nobody writes them, until an append here
            state_->pages[no].floor = state_->pages[no].begun + 1;
            state_->pages[no].done = 0;
        }
    }

    /// The file was closed without writing: no flush will bring what it had not.
    void discarded() {
        for (auto& page : state_->pages) { page.done = page.acked.load(); }
    }

    void note(quire::error const& e) {
        auto const at = state_->error_count++;
        state_->errors.at(at) = {static_cast<int>(e.kind()), e.system_errno()};
    }
    void report(std::string const& problem) {
        std::strncpy(state_->problem.data(), problem.c_str(), state_->problem.size() - 1);
    }

    // ---- the one who looks at what is left --------------------------------------------------

    struct verdict {
        std::string problem;       ///< empty: every promise was kept
        std::size_t newer = 0;     ///< pages with more than was promised
        std::size_t refused = 0;   ///< corrupt pages, each of which was being written
        std::size_t compared = 0;  ///< pages with a promise
    };

    /// Compares the file, which nobody works on, with the promises, and makes what is there the
    /// promise from now on. `may_tear`: a page whose write was under way may be corrupt.
    [[nodiscard]] verdict judge(plain_file const& file, bool may_tear) {
        verdict found;
        auto const pages = file.pages();
        if (pages < state_->pages_acked) { found.problem += "the file is too short; "; }
        if (pages > state_->longest) { found.problem += "the file is too long; "; }
        for (std::size_t no = 0; no < pages_max; ++no) {
            auto& page = state_->pages[no];
            auto const seen = no < pages ? look_at(file, no) : sight{};
            auto const complain = [&](std::string const& what) {
                found.problem += "page " + std::to_string(no) + " (acknowledged " +
                                 std::to_string(page.acked) + ", begun " +
                                 std::to_string(page.begun) + ") " + what + "; ";
            };
            found.compared += page.acked > 0 ? 1 : 0;
            if (seen.corrupt) {
                ++found.refused;
                if (!may_tear || page.begun <= page.acked) { complain("is corrupt"); }
            } else if (seen.version < page.acked) {
                complain("has only " + std::to_string(seen.version));
            } else if (seen.version > page.begun) {
                complain("has " + std::to_string(seen.version));
            } else if (seen.version != 0 && seen.version < page.floor) {
                complain("was cut off and came back as " + std::to_string(seen.version));
            } else if (seen.version > page.acked) {
                ++found.newer;
            }
            page.acked = seen.version;
            page.done = seen.version;
        }
        state_->pages_acked = pages;
        return found;
    }

private:
    struct sight {
        std::uint64_t version = 0;  ///< 0: blank, or formatted and no more
        bool corrupt = false;
    };
    [[nodiscard]] static sight look_at(plain_file const& file, std::uint64_t no) {
        try {
            return {version_on(file, no), false};
        } catch (quire::error const& e) {
            if (e.kind() == quire::errc::blank_page) { return {}; }
            if (e.kind() == quire::errc::corrupt_page) { return {0, true}; }
            throw;
        }
    }

    explicit outside_record(int fd) {
        int const kind = fd >= 0 ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS;
        bool const sized = fd < 0 || ::ftruncate(fd, sizeof(shared_state)) == 0;
        void* const at = ::mmap(nullptr, sizeof(shared_state), PROT_READ | PROT_WRITE, kind, fd, 0);
        int const why = errno;
        if (fd >= 0) { ::close(fd); }
        if (!sized || at == MAP_FAILED) {
            throw std::system_error{why, std::generic_category(), "map a record"};
        }
        state_ = static_cast<shared_state*>(at);  // zeros: every atomic begins as 0
    }

    shared_state* state_ = nullptr;
};

}  // namespace quire_test
