// SPDX-License-Identifier: BSL-1.0
#pragma once

/// backend_bench: a backend under trial, memory for its transfers, and short ways to use both.

#include <quire/io/file_backend.hpp>
#include <quire/testing/detail/aligned_bytes.hpp>
#include <quire/testing/report.hpp>
#include <quire/testing/trials.hpp>

#include <algorithm>    // std::fill
#include <cstring>      // std::memcmp
#include <deque>        // std::deque
#include <filesystem>   // std::filesystem::remove
#include <mutex>        // std::mutex
#include <random>       // std::mt19937_64
#include <set>          // std::set
#include <utility>      // std::exchange
#include <vector>       // std::vector

namespace quire::inline QUIRE_ABI::testing {

namespace detail {

/// The names of the trial's files. In a file system those that did not exist before are removed at
/// the end; where a name is no path there is nothing to remove.
class made_files {
public:
    made_files() = default;
    made_files(made_files const&) = delete;
    made_files& operator=(made_files const&) = delete;
    ~made_files() {
        for (auto const& path : mine_) {
            std::error_code ignored;
            std::filesystem::remove(path, ignored);
        }
    }
    /// Called before a file is opened, because that may make it.
    void expect(std::string const& path) {
        std::error_code failed;
        auto const kind = std::filesystem::symlink_status(path, failed).type();
        if (kind == std::filesystem::file_type::not_found) { mine_.insert(path); }
    }

private:
    std::set<std::string> mine_;
};

/// Leaves the check when an op is not handed out: its bytes may be written at any time.
struct stuck {};

/// What was wrong with the ops that a backend has handed out. Counts, because any thread may find
/// them, and a report is for one thread.
struct wrong_hand_outs {
    int again = 0;       ///< not in flight: handed out before, or never submitted
    int unfinished = 0;  ///< by reap, with the error that the op had before
    int front = 0;       ///< by submit, with the error that the op had before
    int count = 0;       ///< submit has counted more ops than there are, or changed the pointers
    int room = 0;        ///< reap has counted or written more than `done` has room for
};

template <file_backend Backend>
class backend_bench {
public:
    using file_type = typename Backend::file;
    using op = io_op<file_type>;
    static constexpr std::size_t frames = 300;

    /// An open file, closed at the end of its scope.
    class opened {
    public:
        opened(backend_bench& opener, open_mode mode, std::string const& suffix = {},
               file_lock const& lock = file_lock::whole)
            : bench_{opener}, file{opener.open(mode, suffix, lock)} {}
        opened(opened const&) = delete;
        opened& operator=(opened const&) = delete;
        ~opened() {
            if (!closed_) { static_cast<void>(bench_.backend.close(file)); }
        }
        [[nodiscard]] int close() {
            closed_ = true;
            return bench_.backend.close(file);
        }

    private:
        backend_bench& bench_;
        bool closed_ = false;

    public:
        file_type file;
    };

    backend_bench(backend_trial const& given, typename Backend::options const& options)
        : trial{given},
          memory_{make_aligned(frames * given.page_size)},
          backend{{memory_.get(), frames * given.page_size}, options} {
        std::fill(memory_.get(), memory_.get() + frames * given.page_size, std::byte{0x5A});
    }

    [[nodiscard]] file_type open(open_mode mode, std::string const& suffix = {},
                                 file_lock const& lock = file_lock::whole) {
        auto const path = trial.path + suffix;
        bool const free = !trial.locks && mode == open_mode::read_only;
        files_.expect(path);
        return backend.open({path, mode, trial.io, trial.page_size, false,
                             free ? file_lock::none : lock});
    }
    /// The error of opening; nothing when it succeeds.
    [[nodiscard]] std::optional<error> refusal(open_mode mode, std::string const& suffix = {},
                                               file_lock const& lock = file_lock::whole) {
        try {
            opened const file{*this, mode, suffix, lock};
            return std::nullopt;
        } catch (error const& e) { return e; }
    }

    [[nodiscard]] std::span<std::byte> frame(std::size_t f) const {
        return {memory_.get() + f * trial.page_size, trial.page_size};
    }
    /// Fills a frame with random bytes, so that it is like no other.
    void fill(std::size_t f) {
        for (auto& byte : frame(f)) { byte = static_cast<std::byte>(random_() >> 56); }
    }
    [[nodiscard]] bool same(std::size_t f, std::size_t g) const {
        return std::memcmp(frame(f).data(), frame(g).data(), trial.page_size) == 0;
    }
    [[nodiscard]] bool is_zero(std::size_t f) const {
        auto const bytes = frame(f);
        return std::all_of(bytes.begin(), bytes.end(), [](auto b) { return b == std::byte{0}; });
    }

    [[nodiscard]] op page_op(io_verb verb, file_type& of, std::uint64_t page,
                             std::size_t f) const {
        return {verb, &of, page * trial.page_size, frame(f), stale};
    }
    /// Ops in a place that they keep until the backend is gone.
    [[nodiscard]] std::span<op> keep(std::vector<op> ops) {
        std::lock_guard const hold{mutex_};
        return kept_.emplace_back(std::move(ops));
    }
    /// Submits `ops`, which are kept, and returns how many of them `submit` has handed out.
    std::size_t submit(std::span<op> ops) {
        std::vector<op*> pointers;
        for (auto& each : ops) { pointers.push_back(&each); }
        {
            std::lock_guard const hold{mutex_};
            flying_.insert(pointers.begin(), pointers.end());
        }
        auto const before = pointers;  // in the order of their addresses
        auto const count = std::min(backend.submit(pointers), ops.size() + 1);
        std::lock_guard const hold{mutex_};
        bool const same = std::is_permutation(before.begin(), before.end(), pointers.begin());
        wrong_.count += count > ops.size() || !same ? 1 : 0;
        if (count > ops.size()) { return 0; }
        for (auto* each : std::span{pointers}.first(count)) { handed_out(each, wrong_.front); }
        return count;
    }
    /// Reaps once, at most `room` ops. Threads take turns.
    std::size_t reap(std::chrono::nanoseconds wait, std::size_t room = 16) {
        constexpr std::size_t beyond = 4;
        std::lock_guard const turn{reaping_};
        op sentinel;
        std::vector<op*> done(room + beyond, &sentinel);
        auto const count = backend.reap(std::span{done}.first(room), wait);
        std::lock_guard const hold{mutex_};
        auto const rest = std::span{done}.subspan(room);
        auto const untouched = std::count(rest.begin(), rest.end(), &sentinel);
        wrong_.room += count > room || untouched != std::ptrdiff_t{beyond} ? 1 : 0;
        for (auto* each : std::span{done}.first(std::min(count, room))) {
            handed_out(each, wrong_.unfinished);
        }
        return count;
    }
    /// Whether an op of `ops` has been submitted and not handed out.
    [[nodiscard]] bool in_flight(std::span<op> ops) {
        std::lock_guard const hold{mutex_};
        return std::any_of(ops.begin(), ops.end(), [&](op& one) { return flying_.contains(&one); });
    }
    /// Reaps, as other threads may, until `ops` are handed out; false when `wait_max` is over.
    [[nodiscard]] bool reap_all(std::span<op> ops, std::size_t room = 16) {
        auto const end = std::chrono::steady_clock::now() + trial.wait_max;
        while (in_flight(ops)) {
            if (std::chrono::steady_clock::now() > end) { return false; }
            static_cast<void>(reap(std::chrono::milliseconds{10}, room));
        }
        return true;
    }
    /// Does the ops, and returns their errors; throws `stuck` when one is not handed out.
    [[nodiscard]] std::vector<int> run(std::vector<op> ops) {
        auto const kept = keep(std::move(ops));
        static_cast<void>(submit(kept));
        if (!reap_all(kept)) { throw stuck{}; }
        std::vector<int> errors;
        for (auto const& each : kept) { errors.push_back(each.error); }
        return errors;
    }
    /// Does the ops in this thread, and returns their errors.
    [[nodiscard]] std::vector<int> transfer(std::vector<op> ops)
        requires blocking_backend<Backend>
    {
        auto const kept = keep(std::move(ops));
        std::vector<op*> pointers;
        for (auto& each : kept) { pointers.push_back(&each); }
        backend.transfer(pointers);
        std::vector<int> errors;
        for (auto const& each : kept) { errors.push_back(each.error); }
        return errors;
    }
    /// What was wrong since the last call.
    [[nodiscard]] wrong_hand_outs take_wrong() {
        std::lock_guard const hold{mutex_};
        return std::exchange(wrong_, {});
    }
    [[nodiscard]] int one(io_verb verb, file_type& of, std::uint64_t page, std::size_t f) {
        return run({page_op(verb, of, page, f)}).front();
    }
    [[nodiscard]] int read(file_type& of, std::uint64_t page, std::size_t f) {
        return one(io_verb::read, of, page, f);
    }
    [[nodiscard]] int write(file_type& of, std::uint64_t page, std::size_t f) {
        return one(io_verb::write, of, page, f);
    }
    /// Whether page `page` of the file has the bytes of frame `f`. Reads into the last frame.
    [[nodiscard]] bool reads_as(file_type& of, std::uint64_t page, std::size_t f) {
        return read_last(of, page) && same(frames - 1, f);
    }
    [[nodiscard]] bool reads_zero(file_type& of, std::uint64_t page) {
        return read_last(of, page) && is_zero(frames - 1);
    }
    [[nodiscard]] int resize(file_type& of, std::uint64_t pages) {
        return backend.resize(of, pages * trial.page_size);
    }

    static constexpr int stale = -77;  ///< an error that no backend reports

    backend_trial const trial;

private:
    [[nodiscard]] bool read_last(file_type& of, std::uint64_t page) {
        auto const last = frame(frames - 1);
        std::fill(last.begin(), last.end(), std::byte{0x5A});
        return read(of, page, frames - 1) == 0;
    }
    /// `mutex_` is held. An op that was not in flight may be anything, and is not looked at.
    void handed_out(op* each, int& unfinished) {
        if (flying_.erase(each) == 0) {
            ++wrong_.again;
        } else if (each->error == stale) {
            ++unfinished;
        }
    }

    std::mt19937_64 random_{1};
    made_files files_;
    aligned_bytes memory_;
    std::mutex reaping_;
    std::mutex mutex_;                  // guards what follows
    std::deque<std::vector<op>> kept_;  // no op's address is used twice
    std::set<op*> flying_;              // submitted, and not handed out
    wrong_hand_outs wrong_;

public:
    Backend backend;
};

}  // namespace detail
}  // namespace quire::inline QUIRE_ABI::testing
