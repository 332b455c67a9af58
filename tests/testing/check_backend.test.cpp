// SPDX-License-Identifier: BSL-1.0
#include <quire/testing/check_backend.hpp>

#include <quire/io/direct_backend.hpp>
#include <quire/io/memory_backend.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using quire::error;
using quire::io_verb;
using quire::memory_backend;
using quire::open_mode;
using quire::open_request;
using quire::testing::check_backend;

namespace {

using file = memory_backend::file;
using op = quire::io_op<file>;

// memory_backend: right. The wrong ones below each change one thing.
struct changed : memory_backend {
    using memory_backend::memory_backend;
    virtual ~changed() = default;
    virtual file open(open_request const& request) { return memory_backend::open(request); }
    virtual void submit(std::span<op> ops) noexcept { memory_backend::submit(ops); }
    virtual std::size_t reap(std::chrono::nanoseconds wait) noexcept {
        return memory_backend::reap(wait);
    }
    virtual int sync(file& f) noexcept { return memory_backend::sync(f); }
    virtual int resize(file& f, std::uint64_t bytes) noexcept {
        return memory_backend::resize(f, bytes);
    }
    virtual int close(file& f) noexcept { return memory_backend::close(f); }
};

struct makes_what_is_missing : changed {
    using changed::changed;
    file open(open_request const& request) override {
        auto other = request;
        if (other.mode == open_mode::read_write) { other.mode = open_mode::create; }
        return changed::open(other);
    }
};
struct takes_what_exists : changed {
    using changed::changed;
    file open(open_request const& request) override {
        auto other = request;
        if (other.mode == open_mode::create_new) { other.mode = open_mode::create; }
        return changed::open(other);
    }
};
struct empties_what_exists : changed {
    using changed::changed;
    file open(open_request const& request) override {
        auto made = changed::open(request);
        static_cast<void>(resize(made, 0));
        return made;
    }
};
struct tells_another_error : changed {
    using changed::changed;
    file open(open_request const& request) override {
        try {
            return changed::open(request);
        } catch (error const& e) {
            if (e.kind() != quire::errc::file_locked) { throw; }
            throw error{quire::errc::in_use, "lock"};
        }
    }
};
struct keeps_the_lock : changed {
    using changed::changed;
    int close(file& f) noexcept override {
        f = {};
        return 0;
    }
};
struct closes_once : changed {
    using changed::changed;
    file const* last = nullptr;
    file open(open_request const& request) override {
        last = nullptr;
        return changed::open(request);
    }
    int close(file& f) noexcept override {
        if (std::exchange(last, &f) == &f) { return EBADF; }
        return changed::close(f);
    }
};
struct forgets_an_op : changed {
    using changed::changed;
    void submit(std::span<op> ops) noexcept override {
        changed::submit(ops);
        if (ops.size() > 100) { ops.back().complete = false; }
    }
};
struct writes_the_first_of_neighbours : changed {
    using changed::changed;
    void submit(std::span<op> ops) noexcept override {
        for (auto& each : ops) {
            auto mine = each;
            if (ops.size() > 1 && each.verb == io_verb::write) { mine.bytes = ops[0].bytes; }
            changed::submit({&mine, 1});
            each.error = mine.error;
            each.complete = true;
        }
    }
};
/// The first op for a second file of a batch goes to the first.
struct mixes_files_up : changed {
    using changed::changed;
    void submit(std::span<op> ops) noexcept override {
        bool mixed = false;
        for (auto& each : ops) {
            auto mine = each;
            if (each.verb == io_verb::write && each.file != ops[0].file && !mixed) {
                mine.file = ops[0].file;
                mixed = true;
            }
            changed::submit({&mine, 1});
            each.error = mine.error;
            each.complete = true;
        }
    }
};
struct reads_too_much : changed {
    using changed::changed;
    void submit(std::span<op> ops) noexcept override {
        changed::submit(ops);
        for (auto& each : ops) {  // two pages, where the second is the arena's too
            if (each.verb == io_verb::read && each.offset == 2 * 4096 && ops.size() == 3) {
                each.bytes.data()[4096] = std::byte{};
            }
        }
    }
};
struct reads_zeros_past_the_end : changed {
    using changed::changed;
    void submit(std::span<op> ops) noexcept override {
        changed::submit(ops);
        for (auto& each : ops) {
            if (each.verb == io_verb::read && each.error == quire::io_ended) {
                std::fill(each.bytes.begin(), each.bytes.end(), std::byte{});
                each.error = 0;
            }
        }
    }
};
struct all_end_with_one : changed {
    using changed::changed;
    void submit(std::span<op> ops) noexcept override {
        changed::submit(ops);
        bool const any = std::any_of(ops.begin(), ops.end(),
                                     [](op const& each) { return each.error != 0; });
        for (auto& each : ops) { each.error = any ? quire::io_ended : 0; }
    }
};
struct pads_the_last_page : changed {
    using changed::changed;
    void submit(std::span<op> ops) noexcept override {
        changed::submit(ops);
        for (auto& each : ops) {
            if (each.error == quire::io_ended && each.offset < each.file->size()) {
                each.error = 0;
            }
        }
    }
};
struct resizes_a_bit_less : changed {
    using changed::changed;
    int resize(file& f, std::uint64_t bytes) noexcept override {
        return changed::resize(f, bytes > 4 * 4096 ? bytes - 4096 : bytes);
    }
};
struct keeps_what_was_cut_off : changed {
    using changed::changed;
    int resize(file& f, std::uint64_t bytes) noexcept override {
        if (changed::resize(f, bytes) != 0) { return ENOSPC; }
        if (bytes != 8 * 4096 || dirty.empty()) { return 0; }
        op again{io_verb::write, &f, 5 * 4096, dirty};
        changed::submit({&again, 1});
        return 0;
    }
    void submit(std::span<op> ops) noexcept override {
        changed::submit(ops);
        if (ops.empty()) { return; }
        auto const& last = ops.back();
        if (last.verb == io_verb::write) { dirty.assign(last.bytes.begin(), last.bytes.end()); }
    }
    std::vector<std::byte> dirty{};
};
struct empties_when_refused : changed {
    using changed::changed;
    int resize(file& f, std::uint64_t bytes) noexcept override {
        auto const why = changed::resize(f, bytes);
        if (why == ENOSPC) { static_cast<void>(changed::resize(f, 0)); }
        return why;
    }
};
struct says_it_grew : changed {
    using changed::changed;
    int resize(file& f, std::uint64_t bytes) noexcept override {
        static_cast<void>(changed::resize(f, bytes));
        return 0;
    }
};
struct fails_to_sync : changed {
    using changed::changed;
    int sync(file&) noexcept override { return EIO; }
};
struct reaps_ghosts : changed {
    using changed::changed;
    std::size_t reap(std::chrono::nanoseconds) noexcept override { return 1; }
};
struct sleeps_in_reap : changed {
    using changed::changed;
    std::size_t reap(std::chrono::nanoseconds) noexcept override {
        std::this_thread::sleep_for(std::chrono::milliseconds{600});
        return 0;
    }
};
struct completes_nothing : changed {
    using changed::changed;
    void submit(std::span<op>) noexcept override {}
};

// Right, though it completes nothing in `submit`.
struct completes_in_reap : changed {
    using changed::changed;
    std::mutex mutex{};
    std::deque<op*> waiting{};
    void submit(std::span<op> ops) noexcept override {
        std::lock_guard const hold{mutex};
        for (auto& each : ops) { waiting.push_back(&each); }
    }
    std::size_t reap(std::chrono::nanoseconds) noexcept override {
        std::lock_guard const hold{mutex};
        if (waiting.empty()) { return 0; }
        changed::submit({waiting.back(), 1});  // the last one first
        waiting.pop_back();
        return 1;
    }
};
struct locks_nobody : changed {
    using changed::changed;
    file open(open_request const& request) override {
        auto made = changed::open(request);
        auto copy = made;
        static_cast<void>(changed::close(copy));
        return made;
    }
    int close(file& f) noexcept override {
        f = {};
        return 0;
    }
};

// What the check is compiled for, once: the backend that `check` was asked for.
class any_of_them {
public:
    using file = memory_backend::file;
    using options = memory_backend::options;
    using maker = std::unique_ptr<changed> (*)(std::span<std::byte>, options const&);
    static inline maker make = nullptr;

    any_of_them(std::span<std::byte> arena, options const& given) : its_{make(arena, given)} {}
    file open(open_request const& request) { return its_->open(request); }
    void submit(std::span<op> ops) noexcept { its_->submit(ops); }
    std::size_t reap(std::chrono::nanoseconds wait) noexcept { return its_->reap(wait); }
    int sync(file& f) noexcept { return its_->sync(f); }
    int resize(file& f, std::uint64_t bytes) noexcept { return its_->resize(f, bytes); }
    int close(file& f) noexcept { return its_->close(f); }

private:
    std::unique_ptr<changed> its_;
};

template <class Backend>
quire::testing::report check(quire::testing::backend_trial const& trial = {}) {
    any_of_them::make = [](std::span<std::byte> arena, memory_backend::options const& given) {
        return std::unique_ptr<changed>{std::make_unique<Backend>(arena, given)};
    };
    return check_backend<any_of_them>(trial);
}

template <class Backend>
bool breaks(std::string const& rule) {
    auto const found = check<Backend>({.wait_max = std::chrono::milliseconds{200}});
    UNSCOPED_INFO(found.text());
    return found.names(rule);
}

}  // namespace

TEST_CASE("check_backend: finds nothing in memory_backend") {
    CHECK(check_backend<memory_backend>().text() == "");
    CHECK(check_backend<memory_backend>({.page_size = 512}).text() == "");
    CHECK(check_backend<memory_backend>({.path = "a", .io = quire::io_mode::buffered},
                                        {std::make_shared<quire::memory_store>()})
              .text() == "");
}

TEST_CASE("check_backend: finds nothing in a backend whose ops complete in reap") {
    CHECK(check<completes_in_reap>().text() == "");
}

TEST_CASE("check_backend: asks for locks unless it is told that there are none") {
    CHECK(check<locks_nobody>({.locks = false}).text() == "");
    CHECK(breaks<locks_nobody>(
        "open: one writer or any number of readers, others get file_locked (it was opened)"));
}

TEST_CASE("check_backend: names the rule that opening and closing break") {
    CHECK(breaks<makes_what_is_missing>("open: what is missing is refused with open_failed and "
                                        "ENOENT, or made: as the mode says (it was opened)"));
    CHECK(breaks<takes_what_exists>(
        "open: create_new refuses what exists with open_failed and EEXIST (it was opened)"));
    CHECK(breaks<empties_what_exists>("open: what exists keeps its size and its bytes, and is "
                                      "writable as the mode says (size)"));
    CHECK(breaks<tells_another_error>(
        "open: one writer or any number of readers, others get file_locked"));
    CHECK(breaks<keeps_the_lock>("file is locked by another opener"));
    CHECK(breaks<closes_once>(
        "close: gives the lock back, and once more does nothing (once more)"));
}

TEST_CASE("check_backend: names the rule that a transfer breaks") {
    CHECK(breaks<forgets_an_op>(
        "submit: every op becomes complete, by itself or in a later reap"));
    CHECK(breaks<writes_the_first_of_neighbours>(
        "submit: what is written is read, whether it travels alone or with its neighbours"));
    CHECK(breaks<mixes_files_up>("submit: what is written is read, whether it travels alone or "
                                 "with its neighbours (another file of the batch)"));
    CHECK(breaks<reads_too_much>(
        "submit: touches no bytes but those of its ops (memory beside a read)"));
    CHECK(breaks<reads_zeros_past_the_end>(
        "submit: a read past the end is io_ended, and harms no other op"));
    CHECK(breaks<all_end_with_one>("submit: a read past the end is io_ended, and harms no other op "
                                   "(neighbours across it)"));
    CHECK(breaks<pads_the_last_page>(
        "submit: a page of which the file has only a part is io_ended"));
    CHECK(breaks<reaps_ghosts>("reap: is over soon after `wait`, and at once without ops (not 0)"));
}

TEST_CASE("check_backend: names the rule that a size or a sync breaks") {
    CHECK(breaks<resizes_a_bit_less>("resize: is what size says; new bytes read as zeros (size)"));
    CHECK(breaks<keeps_what_was_cut_off>("resize: is what size says; new bytes read as zeros (what "
                                         "was cut off has come back)"));
    CHECK(breaks<empties_when_refused>(
        "resize: a size that cannot be had is refused, and leaves size and bytes (size)"));
    CHECK(breaks<says_it_grew>(
        "resize: a size that cannot be had is refused, and leaves size and bytes (was 0)"));
    CHECK(breaks<says_it_grew>(
        "resize: is refused, as writes are, where the file was opened for reading (was 0)"));
    CHECK(breaks<fails_to_sync>("sync: is 0 when nothing is wrong"));
}

TEST_CASE("check_backend: a reap without ops is over in half a second") {
    CHECK(breaks<sleeps_in_reap>(
        "reap: is over soon after `wait`, and at once without ops (half a second without ops)"));
}

TEST_CASE("check_backend: an op that never becomes complete ends the check, and is all it names") {
    auto const found =
        check<completes_nothing>({.wait_max = std::chrono::milliseconds{50}});
    CHECK(found.text() == "submit: every op becomes complete, by itself or in a later reap\n");
}

TEST_CASE("check_backend: says first when its files are there, and touches none of them") {
    quire::memory_backend::options const kept{std::make_shared<quire::memory_store>()};
    CHECK(check_backend<memory_backend>({}, kept).text() == "");
    auto const found = check_backend<memory_backend>({}, kept);
    REQUIRE(found.broken().size() == 1);
    CHECK(found.names("the trial's files are already there: give it another path"));
    CHECK(check_backend<memory_backend>({.path = "another"}, kept).text() == "");
}

TEST_CASE("check_backend: in a file system it leaves nothing, and takes nothing that is not its") {
    namespace fs = std::filesystem;
    fs::path const folder{"check_backend_files"};
    fs::remove_all(folder);
    quire::testing::backend_trial const trial{.path = (folder / "trial").string(),
                                              .io = quire::io_mode::buffered};
    auto const missing = check_backend<quire::direct_backend>(trial);
    CHECK(missing.broken().size() == 1);
    CHECK(missing.names("the trial's files cannot be made"));

    fs::create_directory(folder);
    for (int times = 0; times < 2; ++times) {
        CHECK(check_backend<quire::direct_backend>(trial).text() == "");
        CHECK(fs::is_empty(folder));
    }
    std::ofstream{folder / "trial-0"} << "somebody's";
    CHECK(check_backend<quire::direct_backend>(trial).names("are already there"));
    CHECK(fs::file_size(folder / "trial-0") == 10);
    fs::remove(folder / "trial-0");
    std::ofstream{folder / "trial-f3"} << "somebody's";
    CHECK(check_backend<quire::direct_backend>(trial).names("trial-f3 (File exists)"));
    CHECK(fs::file_size(folder / "trial-f3") == 10);
    // Not a path of its own, though there is a file of that name: memory_backend's are elsewhere.
    std::ofstream{folder / "trial-f2"} << "somebody's";
    CHECK(check_backend<memory_backend>({.path = (folder / "trial").string()}).text() == "");
    CHECK(fs::file_size(folder / "trial-f2") == 10);
    fs::remove_all(folder);
}

TEST_CASE("check_backend: says what it has tried, and what it was told not to try") {
    auto const all = check_backend<memory_backend>();
    CHECK(all.checked() == std::vector<std::string>{"file_backend"});
    CHECK(all.unchecked().empty());
    auto const no_locks = check<locks_nobody>({.locks = false});
    CHECK(no_locks.unchecked() ==
          std::vector<std::string>{"open: one writer or any number of readers, others get "
                                   "file_locked (`locks` is false)"});
}
