// SPDX-License-Identifier: BSL-1.0
#pragma once

/// backend_bench: a backend under trial, memory for its transfers, and short ways to use both.

#include <quire/io/file_backend.hpp>
#include <quire/testing/detail/aligned_bytes.hpp>
#include <quire/testing/report.hpp>
#include <quire/testing/trials.hpp>

#include <algorithm>    // std::fill
#include <cstring>      // std::memcmp
#include <filesystem>   // std::filesystem::remove
#include <mutex>        // std::mutex
#include <random>       // std::mt19937_64
#include <set>          // std::set
#include <type_traits>  // std::is_trivially_copyable

namespace quire::inline QUIRE_ABI::testing {

namespace detail {

/// The names that the trial makes files of. In a file system those that were not there before are
/// removed at the end; where a name is no path there is nothing to remove.
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
    /// Before a file is opened, which may make it.
    void expect(std::string const& path) {
        std::error_code failed;
        auto const kind = std::filesystem::symlink_status(path, failed).type();
        if (kind == std::filesystem::file_type::not_found) { mine_.insert(path); }
    }

private:
    std::set<std::string> mine_;
};

/// Leaves the check when an op does not become complete: its bytes may be written at any time.
struct stuck {};

template <file_backend Backend>
class backend_bench {
public:
    using file_type = typename Backend::file;
    using op = io_op<file_type>;
    static constexpr std::size_t frames = 300;

    /// An open file, closed at the end of its scope.
    class opened {
    public:
        opened(backend_bench& opener, open_mode mode, std::string const& suffix = {})
            : bench_{opener}, file{opener.open(mode, suffix)} {}
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

    [[nodiscard]] file_type open(open_mode mode, std::string const& suffix = {}) {
        auto const path = trial.path + suffix;
        files_.expect(path);
        return backend.open({path, mode, trial.io, trial.page_size, false});
    }
    /// What opening is refused with; nothing when it is not.
    [[nodiscard]] std::optional<error> refusal(open_mode mode, std::string const& suffix = {}) {
        try {
            opened const file{*this, mode, suffix};
            return std::nullopt;
        } catch (error const& e) { return e; }
    }

    [[nodiscard]] std::span<std::byte> frame(std::size_t f) const {
        return {memory_.get() + f * trial.page_size, trial.page_size};
    }
    /// Bytes that are found again at no other place.
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
        return {verb, &of, page * trial.page_size, frame(f), stale, false};
    }
    /// Does the ops, and returns their errors; throws `stuck` when one does not become complete.
    [[nodiscard]] std::vector<int> run(std::vector<op> ops) {
        backend.submit(ops);
        auto const end = std::chrono::steady_clock::now() + trial.wait_max;
        std::vector<int> errors;
        for (auto const& each : ops) {
            while (!each.complete) {
                if (std::chrono::steady_clock::now() > end) {
                    std::lock_guard const hold{mutex_};
                    stuck_.push_back(std::move(ops));  // in their place until the backend is gone
                    throw stuck{};
                }
                static_cast<void>(backend.reap(std::chrono::milliseconds{10}));
            }
            errors.push_back(each.error);
        }
        return errors;
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
    /// Whether page `page` of the file reads as frame `f` stands. Uses the last frame.
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

    std::mt19937_64 random_{1};
    made_files files_;
    aligned_bytes memory_;
    std::mutex mutex_;
    std::vector<std::vector<op>> stuck_;

public:
    Backend backend;
};

}  // namespace detail
}  // namespace quire::inline QUIRE_ABI::testing
