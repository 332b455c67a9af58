// SPDX-License-Identifier: BSL-1.0
#include <quire/testing/check_backend.hpp>

#include <quire/io/direct_backend.hpp>
#include <quire/io/memory_backend.hpp>

#include "catch.hpp"
#include "queued_backend.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
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

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// memory_backend: right. The wrong ones below each change one thing.
struct changed : memory_backend {
    using memory_backend::memory_backend;
    virtual ~changed() = default;
    virtual file open(open_request const& request) { return memory_backend::open(request); }
    virtual std::size_t submit(std::span<op*> ops) noexcept { return memory_backend::submit(ops); }
    virtual std::size_t reap(std::span<op*> done, nanoseconds wait) noexcept {
        return memory_backend::reap(done, wait);
    }
    virtual void transfer(std::span<op*> ops) noexcept { memory_backend::submit(ops); }
    virtual void interrupt() noexcept { memory_backend::interrupt(); }
    virtual int sync(file& f) noexcept { return memory_backend::sync(f); }
    virtual int resize(file& f, std::uint64_t bytes) noexcept {
        return memory_backend::resize(f, bytes);
    }
    virtual int close(file& f) noexcept { return memory_backend::close(f); }
    /// A transfer by memory_backend; its error.
    int move(op each) noexcept {
        auto* pointer = &each;
        memory_backend::submit({&pointer, 1});
        return each.error;
    }
};

struct makes_what_is_missing : changed {
    using changed::changed;
    file open(open_request const& request) override {
        auto other = request;
        if (other.mode == open_mode::read_write) { other.mode = open_mode::open_or_create; }
        return changed::open(other);
    }
};
struct takes_what_exists : changed {
    using changed::changed;
    file open(open_request const& request) override {
        auto other = request;
        if (other.mode == open_mode::create_new) { other.mode = open_mode::open_or_create; }
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
struct keeps_what_it_replaces : changed {
    using changed::changed;
    file open(open_request const& request) override {
        auto other = request;
        if (other.mode == open_mode::create_or_replace) { other.mode = open_mode::open_or_create; }
        return changed::open(other);
    }
};
struct replaces_without_the_lock : changed {
    using changed::changed;
    file* last = nullptr;
    file open(open_request const& request) override {
        try {
            return changed::open(request);
        } catch (error const&) {
            if (request.mode == open_mode::create_or_replace && last != nullptr) {
                static_cast<void>(resize(*last, 0));
            }
            throw;
        }
    }
    int resize(file& f, std::uint64_t bytes) noexcept override {
        last = &f;
        return changed::resize(f, bytes);
    }
    int close(file& f) noexcept override {
        last = nullptr;
        return changed::close(f);
    }
};
struct locks_the_whole : changed {
    using changed::changed;
    file open(open_request const& request) override {
        auto other = request;
        other.lock = quire::file_lock::whole;
        return changed::open(other);
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
    std::size_t submit(std::span<op*> ops) noexcept override {
        return changed::submit(ops) - (ops.size() > 100 ? 1 : 0);
    }
};
struct writes_the_first_of_neighbours : changed {
    using changed::changed;
    std::size_t submit(std::span<op*> ops) noexcept override {
        for (auto* each : ops) {
            auto mine = *each;
            if (ops.size() > 1 && each->verb == io_verb::write) { mine.bytes = ops[0]->bytes; }
            each->error = move(mine);
        }
        return ops.size();
    }
};
/// The first op for a second file of a batch goes to the first.
struct mixes_files_up : changed {
    using changed::changed;
    std::size_t submit(std::span<op*> ops) noexcept override {
        bool mixed = false;
        for (auto* each : ops) {
            auto mine = *each;
            if (each->verb == io_verb::write && each->file != ops[0]->file && !mixed) {
                mine.file = ops[0]->file;
                mixed = true;
            }
            each->error = move(mine);
        }
        return ops.size();
    }
};
struct reads_too_much : changed {
    using changed::changed;
    std::size_t submit(std::span<op*> ops) noexcept override {
        changed::submit(ops);
        for (auto* each : ops) {  // two pages, where the second is the arena's too
            if (each->verb == io_verb::read && each->offset == 2 * 4096 && ops.size() == 3) {
                each->bytes.data()[4096] = std::byte{};
            }
        }
        return ops.size();
    }
};
struct reads_zeros_past_the_end : changed {
    using changed::changed;
    std::size_t submit(std::span<op*> ops) noexcept override {
        changed::submit(ops);
        for (auto* each : ops) {
            if (each->verb == io_verb::read && each->error == quire::io_ended) {
                std::fill(each->bytes.begin(), each->bytes.end(), std::byte{});
                each->error = 0;
            }
        }
        return ops.size();
    }
};
struct all_end_with_one : changed {
    using changed::changed;
    std::size_t submit(std::span<op*> ops) noexcept override {
        changed::submit(ops);
        bool const any = std::any_of(ops.begin(), ops.end(),
                                     [](op const* each) { return each->error != 0; });
        for (auto* each : ops) { each->error = any ? quire::io_ended : 0; }
        return ops.size();
    }
};
struct pads_the_last_page : changed {
    using changed::changed;
    std::size_t submit(std::span<op*> ops) noexcept override {
        changed::submit(ops);
        for (auto* each : ops) {
            if (each->error == quire::io_ended && each->offset < each->file->size()) {
                each->error = 0;
            }
        }
        return ops.size();
    }
};
/// Serves the thread that made it.
struct one_thread_only : changed {
    using changed::changed;
    std::thread::id const mine = std::this_thread::get_id();
    std::size_t submit(std::span<op*> ops) noexcept override {
        changed::submit(ops);
        for (auto* each : ops) { each->error = std::this_thread::get_id() == mine ? 0 : EIO; }
        return ops.size();
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
        return move({io_verb::write, &f, 5 * 4096, dirty});
    }
    std::size_t submit(std::span<op*> ops) noexcept override {
        changed::submit(ops);
        if (ops.size() == 1 && ops.back()->verb == io_verb::write) {  // by one thread at a time
            dirty.assign(ops.back()->bytes.begin(), ops.back()->bytes.end());
        }
        return ops.size();
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
struct sleeps_in_reap : changed {
    using changed::changed;
    std::size_t reap(std::span<op*>, nanoseconds wait) noexcept override {
        if (wait == wait.zero()) { std::this_thread::sleep_for(milliseconds{600}); }
        return 0;
    }
};
struct waits_without_ops : changed {
    using changed::changed;
    std::size_t reap(std::span<op*>, nanoseconds wait) noexcept override {
        if (wait > milliseconds{500}) { std::this_thread::sleep_for(milliseconds{600}); }
        return 0;
    }
};

// ---- hand-outs --------------------------------------------------------------------------------

struct completes_nothing : changed {
    using changed::changed;
    std::size_t submit(std::span<op*>) noexcept override { return 0; }
};
struct counts_one_too_many : changed {
    using changed::changed;
    std::size_t submit(std::span<op*> ops) noexcept override { return changed::submit(ops) + 1; }
};
struct leaves_another_pointer : changed {
    using changed::changed;
    std::size_t submit(std::span<op*> ops) noexcept override {
        changed::submit(ops);
        if (ops.size() > 1) { ops.back() = ops.front(); }
        return ops.size();
    }
};
struct reaps_ghosts : changed {
    using changed::changed;
    op ghost{};
    std::size_t reap(std::span<op*> done, nanoseconds) noexcept override {
        done.front() = &ghost;
        return 1;
    }
};
/// In submit, and in the next reap.
struct hands_out_twice : changed {
    using changed::changed;
    std::mutex mutex{};
    op* last = nullptr;
    std::size_t submit(std::span<op*> ops) noexcept override {
        std::lock_guard const hold{mutex};
        if (!ops.empty()) { last = ops.back(); }
        return changed::submit(ops);
    }
    std::size_t reap(std::span<op*> done, nanoseconds) noexcept override {
        std::lock_guard const hold{mutex};
        if (last == nullptr) { return 0; }
        done.front() = std::exchange(last, nullptr);
        return 1;
    }
};
/// Sets the error of an op once more, in the next call.
struct touches_the_op : changed {
    using changed::changed;
    op* last = nullptr;
    std::size_t submit(std::span<op*> ops) noexcept override {
        if (ops.size() == 1 && last != nullptr) { last->error = 0; }
        if (ops.size() == 8) { last = ops.back(); }
        return changed::submit(ops);
    }
};
/// Reads once more into the bytes of the last read, when `sync` is called.
struct reads_again : changed {
    using changed::changed;
    std::mutex mutex{};
    op last{};
    std::size_t submit(std::span<op*> ops) noexcept override {
        std::lock_guard const hold{mutex};
        auto const complete = changed::submit(ops);
        if (ops.size() == 8 && ops[0]->verb == io_verb::read) { last = *ops[0]; }
        return complete;
    }
    int sync(file& f) noexcept override {
        std::lock_guard const hold{mutex};
        if (last.file == &f) { static_cast<void>(move(last)); }
        return 0;
    }
};
/// Writes the bytes of a batch's first write only when there is another call.
struct writes_later : changed {
    using changed::changed;
    std::mutex mutex{};
    op late{};
    void write_now() {
        if (late.file != nullptr) { static_cast<void>(move(std::exchange(late, {}))); }
    }
    std::size_t submit(std::span<op*> ops) noexcept override {
        std::lock_guard const hold{mutex};
        write_now();
        auto const complete = changed::submit(ops);
        if (!ops.empty() && ops[0]->verb == io_verb::write) { late = *ops[0]; }
        return complete;
    }
    int resize(file& f, std::uint64_t bytes) noexcept override {
        std::lock_guard const hold{mutex};
        write_now();
        return changed::resize(f, bytes);
    }
    int close(file& f) noexcept override {
        std::lock_guard const hold{mutex};
        write_now();
        return changed::close(f);
    }
};

// Right, though it completes nothing in `submit`. The wrong ones below each change one thing.
struct completes_in_reap : changed {
    using changed::changed;
    std::mutex mutex{};
    std::condition_variable woken{};
    std::deque<op*> waiting{};
    std::size_t submit(std::span<op*> ops) noexcept override {
        std::lock_guard const hold{mutex};
        waiting.insert(waiting.end(), ops.begin(), ops.end());
        return 0;
    }
    std::size_t reap(std::span<op*> done, nanoseconds) noexcept override {
        std::lock_guard const hold{mutex};
        return take(done);
    }
    /// The last one first.
    std::size_t take(std::span<op*> done) {
        std::size_t count = 0;
        for (; count < done.size() && !waiting.empty(); ++count) {
            done[count] = waiting.back();
            waiting.pop_back();
        }
        memory_backend::submit(done.first(count));
        return count;
    }
};
/// Is back before the transfer.
struct transfers_in_reap : completes_in_reap {
    using completes_in_reap::completes_in_reap;
    void transfer(std::span<op*> ops) noexcept override { submit(ops); }
};
/// Hands out what it has transferred at once.
struct hands_out_what_it_transfers : completes_in_reap {
    using completes_in_reap::completes_in_reap;
    void transfer(std::span<op*> ops) noexcept override {
        changed::transfer(ops);
        submit(ops);
    }
};
/// Completes every second op in `submit`, and leaves it where it is.
struct moves_nothing_to_the_front : completes_in_reap {
    using completes_in_reap::completes_in_reap;
    std::size_t submit(std::span<op*> ops) noexcept override {
        std::lock_guard const hold{mutex};
        std::size_t count = 0;
        for (std::size_t i = 0; i < ops.size(); ++i) {
            if (i % 2 == 1) {
                count += changed::submit(ops.subspan(i, 1));
            } else {
                waiting.push_back(ops[i]);
            }
        }
        return count;
    }
};
/// Hands out before the transfer.
struct hands_out_early : completes_in_reap {
    using completes_in_reap::completes_in_reap;
    std::size_t reap(std::span<op*> done, nanoseconds) noexcept override {
        std::lock_guard const hold{mutex};
        if (waiting.empty()) { return 0; }
        auto const error = waiting.back()->error;
        auto const count = take(done.first(1));
        done[0]->error = error;
        return count;
    }
};
template <bool Returned>
struct hands_out_one_more : completes_in_reap {
    using completes_in_reap::completes_in_reap;
    std::size_t reap(std::span<op*> done, nanoseconds) noexcept override {
        std::lock_guard const hold{mutex};
        auto const count = take({done.data(), done.size() + 1});
        return Returned ? count : std::min(count, done.size());
    }
};
struct reaps_its_own : changed {
    using changed::changed;
    std::mutex mutex{};
    std::map<std::thread::id, std::deque<op*>> waiting{};
    std::size_t submit(std::span<op*> ops) noexcept override {
        std::lock_guard const hold{mutex};
        auto& mine = waiting[std::this_thread::get_id()];
        mine.insert(mine.end(), ops.begin(), ops.end());
        return 0;
    }
    std::size_t reap(std::span<op*> done, nanoseconds) noexcept override {
        std::lock_guard const hold{mutex};
        auto& mine = waiting[std::this_thread::get_id()];
        if (mine.empty()) { return 0; }
        done[0] = mine.front();
        mine.pop_front();
        return memory_backend::submit(done.first(1));
    }
};

enum class wakes { both, the_next, the_waiting, neither };
/// Its ops take long when the caller has long to wait.
template <wakes Which>
struct slow : completes_in_reap {
    using completes_in_reap::completes_in_reap;
    bool interrupted = false;
    bool reaping = false;
    std::size_t reap(std::span<op*> done, nanoseconds wait) noexcept override {
        std::unique_lock hold{mutex};
        if (wait > milliseconds{500} && !waiting.empty()) {
            reaping = true;
            woken.wait_for(hold, milliseconds{600}, [&] { return interrupted; });
            reaping = false;
            interrupted = false;
        }
        return take(done);
    }
    void interrupt() noexcept override {
        std::lock_guard const hold{mutex};
        auto const counts = reaping ? wakes::the_waiting : wakes::the_next;
        if (Which != wakes::both && Which != counts) { return; }
        interrupted = true;
        woken.notify_all();
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
    std::size_t submit(std::span<op*> ops) noexcept { return its_->submit(ops); }
    std::size_t reap(std::span<op*> done, nanoseconds wait) noexcept {
        return its_->reap(done, wait);
    }
    void transfer(std::span<op*> ops) noexcept { its_->transfer(ops); }
    void interrupt() noexcept { its_->interrupt(); }
    int sync(file& f) noexcept { return its_->sync(f); }
    int resize(file& f, std::uint64_t bytes) noexcept { return its_->resize(f, bytes); }
    int close(file& f) noexcept { return its_->close(f); }

private:
    std::unique_ptr<changed> its_;
};
static_assert(quire::blocking_backend<any_of_them>);

template <class Backend>
quire::testing::report check(quire::testing::backend_trial const& trial = {}) {
    any_of_them::make = [](std::span<std::byte> arena, memory_backend::options const& given) {
        return std::unique_ptr<changed>{std::make_unique<Backend>(arena, given)};
    };
    return check_backend<any_of_them>(trial);
}

template <class Backend>
bool breaks(std::string const& rule) {
    auto const found = check<Backend>({.wait_max = milliseconds{200}});
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
    CHECK(check<slow<wakes::both>>().text() == "");
}

TEST_CASE("check_backend: finds nothing in queued_backend, whatever its script") {
    using quire_test::hand_out_order;
    using quire_test::queue_script;
    auto const found = [](queue_script::settings const& settings) {
        auto const script = std::make_shared<queue_script>(settings);
        auto const report = check_backend<quire_test::queued_backend<>>({}, {{}, script});
        CHECK(script->overlapping_reaps() == 0);
        CHECK(script->in_flight() == 0);
        CHECK(script->in_flight_max() >= (settings.complete_every == 1 ? 1 : 200));
        return report.text();
    };
    for (auto order :
         {hand_out_order::in_order, hand_out_order::reversed, hand_out_order::shuffled}) {
        for (std::uint64_t every : {0U, 1U, 3U}) {
            CAPTURE(static_cast<int>(order), every);
            CHECK(found({order, 7, every}) == "");
        }
    }
}

TEST_CASE("check_backend: asks for locks unless the trial says that there are none") {
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
    CHECK(breaks<keeps_what_it_replaces>("open: create_or_replace empties what exists; refused, it "
                                         "leaves the content as it was (opened, but not empty"));
    CHECK(breaks<replaces_without_the_lock>(
        "open: create_or_replace empties what exists; refused, it leaves the content as it was (the"
        " content of a refused file)"));
    CHECK(breaks<locks_the_whole>(
        "open: openers whose locks have no byte in common do not exclude each other"));
    CHECK(breaks<tells_another_error>(
        "open: one writer or any number of readers, others get file_locked"));
    CHECK(breaks<keeps_the_lock>("file is locked by another opener"));
    CHECK(breaks<closes_once>(
        "close: gives the lock back, and once more does nothing (once more)"));
}

TEST_CASE("check_backend: names the rule that a transfer breaks") {
    CHECK(breaks<forgets_an_op>(
        "submit: every op is handed out, by submit or by a later reap"));
    CHECK(breaks<writes_the_first_of_neighbours>(
        "submit: what is written is read, whether it travels alone or with its neighbours"));
    CHECK(breaks<mixes_files_up>("submit: what is written is read, whether it travels alone or "
                                 "with its neighbours (another file of the batch)"));
    CHECK(breaks<reads_too_much>(
        "submit: touches only the bytes of its ops (memory beside a read)"));
    CHECK(breaks<reads_zeros_past_the_end>(
        "submit: a read past the end is io_ended, and harms no other op"));
    CHECK(breaks<all_end_with_one>("submit: a read past the end is io_ended, and harms no other op "
                                   "(neighbours across it)"));
    CHECK(breaks<pads_the_last_page>(
        "submit: a page of which the file has only a part is io_ended"));
    CHECK(breaks<one_thread_only>("submit: threads may submit at once (an error)"));
    CHECK(breaks<transfers_in_reap>("transfer: has completed every op when it returns, and reap "
                                    "hands none of them out (writes)"));
    CHECK(breaks<hands_out_what_it_transfers>("transfer: has completed every op when it returns, "
                                              "and reap hands none of them out (reap hands them "
                                              "out)"));
    CHECK(breaks<reaps_ghosts>("reap: is over soon after `wait`, and at once without ops (not 0)"));
}

TEST_CASE("check_backend: names the rule that a size or a sync breaks") {
    CHECK(breaks<resizes_a_bit_less>("resize: is what size says; new bytes read as zeros (size)"));
    CHECK(breaks<keeps_what_was_cut_off>("resize: is what size says; new bytes read as zeros "
                                         "(bytes that were cut off are there again)"));
    CHECK(breaks<empties_when_refused>(
        "resize: a size that is too large is refused, and leaves size and bytes (size)"));
    CHECK(breaks<says_it_grew>(
        "resize: a size that is too large is refused, and leaves size and bytes (was 0)"));
    CHECK(breaks<says_it_grew>(
        "resize: is refused, as writes are, where the file was opened for reading (was 0)"));
    CHECK(breaks<fails_to_sync>("sync: is 0 when nothing is wrong"));
}

TEST_CASE("check_backend: names the rule that a hand-out breaks") {
    std::string const front =
        "submit: the ops that are complete on return are moved to the front and counted";
    CHECK(breaks<moves_nothing_to_the_front>(front + " (in front, and without a result)"));
    CHECK(breaks<counts_one_too_many>(front + " (more, or other pointers)"));
    CHECK(breaks<leaves_another_pointer>(front + " (more, or other pointers)"));
    std::string const once = "reap: hands out no op twice, and none that was not submitted (an op "
                             "that is not in flight)";
    CHECK(breaks<hands_out_twice>(once));
    CHECK(breaks<reaps_ghosts>(once));
    CHECK(breaks<hands_out_early>("reap: an op that is handed out has its result"));
    std::string const room =
        "reap: writes no more pointers than `done` has room for, and returns how many";
    CHECK(breaks<hands_out_one_more<false>>(room));
    CHECK(breaks<hands_out_one_more<true>>(room));
    CHECK(breaks<reaps_its_own>(
        "reap: hands out ops that other threads have submitted (a third thread)"));
    std::string const left_alone =
        "reap: an op that was handed out is not touched again, and neither are its bytes";
    CHECK(breaks<touches_the_op>(left_alone + " (the op)"));
    CHECK(breaks<reads_again>(left_alone + " (its bytes)"));
    CHECK(breaks<writes_later>(left_alone + " (bytes that were changed after a write)"));
}

TEST_CASE("check_backend: names what an interrupt does not end") {
    std::string const rule = "interrupt: ends the reap that waits, or else the next one";
    CHECK(breaks<slow<wakes::the_next>>(rule + " (the one that waits)"));
    CHECK(breaks<slow<wakes::the_waiting>>(rule + " (the next one)"));
    CHECK(breaks<slow<wakes::neither>>(rule + " (the next one)"));
}

TEST_CASE("check_backend: a reap without ops is over in half a second") {
    CHECK(breaks<sleeps_in_reap>(
        "reap: is over soon after `wait`, and at once without ops (half a second without ops)"));
    CHECK(breaks<waits_without_ops>(
        "reap: is over soon after `wait`, and at once without ops (half a second without ops)"));
}

TEST_CASE("check_backend: an op that is never handed out ends the check, and is all it names") {
    auto const found =
        check<completes_nothing>({.wait_max = milliseconds{50}});
    CHECK(found.text() == "submit: every op is handed out, by submit or by a later reap\n");
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

TEST_CASE("check_backend: says what it has tried, and what the trial has left out") {
    auto const all = check_backend<memory_backend>();
    CHECK(all.checked() == std::vector<std::string>{"file_backend"});
    CHECK(all.unchecked().empty());
    auto const no_locks = check<locks_nobody>({.locks = false});
    CHECK(no_locks.unchecked() ==
          std::vector<std::string>{"open: one writer or any number of readers, others get "
                                   "file_locked (`locks` is false)"});
}
