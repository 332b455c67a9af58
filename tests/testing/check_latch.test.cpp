// SPDX-License-Identifier: BSL-1.0
#include <quire/testing/check_latch.hpp>

#include <quire/latch/hybrid_latch.hpp>
#include <quire/latch/no_latch.hpp>

#include "catch.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using quire::testing::check_latch;
using quire::testing::latch_trial;
using quire::testing::report;

namespace {

// Every member of the concepts, over a mutex: right. The wrong ones below each change one thing,
// and none of them waits for ever, so that no thread is left when the test ends.
class plain_latch {
public:
    virtual ~plain_latch() = default;
    virtual void lock() { static_cast<void>(plain_latch::try_lock_for(patience)); }
    virtual bool try_lock() { return plain_latch::try_lock_for(0s); }
    virtual bool try_lock_for(std::chrono::nanoseconds wait) {
        std::unique_lock hold{mutex_};
        if (!changed_.wait_for(hold, wait, [this] { return free_for_writer(); })) { return false; }
        writer_ = true;
        return true;
    }
    virtual void unlock() {
        std::lock_guard const hold{mutex_};
        writer_ = false;
        ++version_;
        if (wakes_writers_) { changed_.notify_all(); }
    }
    virtual void lock_shared() { static_cast<void>(plain_latch::try_lock_shared_for(patience)); }
    virtual bool try_lock_shared() { return plain_latch::try_lock_shared_for(0s); }
    virtual bool try_lock_shared_for(std::chrono::nanoseconds wait) {
        std::unique_lock hold{mutex_};
        if (!changed_.wait_for(hold, wait, [this] { return !writer_; })) { return false; }
        ++readers_;
        return true;
    }
    virtual void unlock_shared() {
        std::lock_guard const hold{mutex_};
        --readers_;
        if (wakes_after_readers_) { changed_.notify_all(); }
    }
    virtual void downgrade() {
        std::lock_guard const hold{mutex_};
        writer_ = false;
        ++readers_;
        ++version_;
        if (wakes_on_downgrade_) { changed_.notify_all(); }
    }
    virtual void pin() {
        std::lock_guard const hold{mutex_};
        ++pins_;
    }
    virtual void unpin() {
        std::lock_guard const hold{mutex_};
        --pins_;
    }
    virtual bool try_lock_unpinned() {
        std::lock_guard const hold{mutex_};
        if (!free_for_writer() || pins_ > 0) { return false; }
        writer_ = true;
        return true;
    }
    [[nodiscard]] virtual std::uint32_t version() const {
        std::lock_guard const hold{mutex_};
        return version_;
    }
    [[nodiscard]] virtual bool unchanged_since(std::uint32_t seen) const {
        std::lock_guard const hold{mutex_};
        return !writer_ && version_ == seen;
    }

protected:
    static constexpr auto patience = 1500ms;

    [[nodiscard]] bool free_for_writer() const {
        return !writer_ && ((readers_ & counted_bits_) == 0 || ignores_readers_);
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    int readers_ = 0;
    int pins_ = 0;
    bool writer_ = false;
    std::uint32_t version_ = 0;
    int counted_bits_ = 0x7FFF'FFFF;
    bool ignores_readers_ = false;
    bool wakes_writers_ = true;
    bool wakes_after_readers_ = true;
    bool wakes_on_downgrade_ = true;
};

struct readers_alone : plain_latch {
    bool try_lock_shared() override {
        std::lock_guard const hold{mutex_};
        if (writer_ || readers_ > 0) { return false; }
        ++readers_;
        return true;
    }
};
struct writer_beside_readers : plain_latch {
    writer_beside_readers() { ignores_readers_ = true; }
};
struct counts_readers_in_a_byte : plain_latch {
    counts_readers_in_a_byte() { counted_bits_ = 0xFF; }
};
struct first_reader_leaves_for_all : plain_latch {
    void unlock_shared() override {
        std::lock_guard const hold{mutex_};
        readers_ = 0;
        changed_.notify_all();
    }
};
struct reader_beside_writer : plain_latch {
    bool try_lock_shared() override {
        std::lock_guard const hold{mutex_};
        ++readers_;
        return true;
    }
};
struct stays_locked : plain_latch {
    void unlock() override {}
};
struct does_not_wait : plain_latch {
    void lock_shared() override {
        std::lock_guard const hold{mutex_};
        ++readers_;
    }
};
struct does_not_wake : plain_latch {
    does_not_wake() { wakes_writers_ = false; }
};
struct last_reader_does_not_wake : plain_latch {
    last_reader_does_not_wake() { wakes_after_readers_ = false; }
};
struct downgrade_does_not_wake : plain_latch {
    downgrade_does_not_wake() { wakes_on_downgrade_ = false; }
};
// Wakes one of those who wait; a reader that leaves wakes the next.
struct wakes_one_of_many : plain_latch {
    void unlock() override {
        std::lock_guard const hold{mutex_};
        writer_ = false;
        ++version_;
        changed_.notify_one();
    }
};
struct downgrade_lets_go : plain_latch {
    void downgrade() override {
        unlock();
        std::this_thread::sleep_for(50us);
        lock_shared();
    }
};
struct downgrade_forgets_to_hold : plain_latch {
    void downgrade() override { unlock(); }
    void unlock_shared() override {
        std::lock_guard const hold{mutex_};
        readers_ = std::max(0, readers_ - 1);
        changed_.notify_all();
    }
};
struct gives_up_late : plain_latch {
    bool try_lock_for(std::chrono::nanoseconds) override {
        return plain_latch::try_lock_for(patience);
    }
};
struct ignores_pins : plain_latch {
    bool try_lock_unpinned() override { return try_lock(); }
};
struct pins_exclude : plain_latch {
    bool try_lock() override { return try_lock_unpinned(); }
};
struct same_version : plain_latch {
    [[nodiscard]] std::uint32_t version() const override { return 0; }
};
struct downgraded_same_version : plain_latch {
    void downgrade() override {
        plain_latch::downgrade();
        std::lock_guard const hold{mutex_};
        --version_;
    }
};
struct evicted_same_version : plain_latch {
    std::atomic<bool> evicting{false};
    bool try_lock_unpinned() override {
        bool const in = plain_latch::try_lock_unpinned();
        if (in) { evicting = true; }
        return in;
    }
    void unlock() override {
        if (evicting.exchange(false)) {
            std::lock_guard const hold{mutex_};
            --version_;
        }
        plain_latch::unlock();
    }
};
struct version_of_visits : plain_latch {
    mutable std::atomic<std::uint32_t> looks{0};
    [[nodiscard]] std::uint32_t version() const override { return looks.fetch_add(1); }
};
struct forgets_the_writer : plain_latch {
    [[nodiscard]] bool unchanged_since(std::uint32_t seen) const override {
        return version() == seen;
    }
};
struct never_unchanged : plain_latch {
    [[nodiscard]] bool unchanged_since(std::uint32_t) const override { return false; }
};
struct fails_now_and_then : std::shared_mutex {
    std::atomic<unsigned> calls{0};
    bool try_lock() { return calls.fetch_add(1) % 3 == 0 && std::shared_mutex::try_lock(); }
    bool try_lock_shared() {
        return calls.fetch_add(1) % 3 == 0 && std::shared_mutex::try_lock_shared();
    }
};
// Looks and takes in two steps: scripts, which step one at a time, cannot see that.
struct looks_then_takes {
    std::atomic<bool> writer{false};
    std::atomic<int> readers{0};
    bool try_lock() {
        if (writer || readers > 0) { return false; }
        std::this_thread::sleep_for(50us);
        writer = true;
        return true;
    }
    void lock() {
        while (!try_lock()) { std::this_thread::yield(); }
    }
    void unlock() { writer = false; }
    bool try_lock_shared() {
        if (writer) { return false; }
        ++readers;
        return true;
    }
    void lock_shared() {
        while (!try_lock_shared()) { std::this_thread::yield(); }
    }
    void unlock_shared() { --readers; }
};

// Nearly the refinements: the names are there, the types are not.
struct near_misses {
    std::shared_mutex own;
    void lock() { own.lock(); }
    bool try_lock() { return own.try_lock(); }
    void unlock() { own.unlock(); }
    void lock_shared() { own.lock_shared(); }
    bool try_lock_shared() { return own.try_lock_shared(); }
    void unlock_shared() { own.unlock_shared(); }
    bool try_lock_for(std::chrono::milliseconds) { return own.try_lock(); }
    void pin() {}
    void unpin() {}
    [[nodiscard]] std::uint64_t version() const { return 0; }
};

// What the check is compiled for, once: the latch that `check` was asked for.
class any_of_them {
public:
    using maker = std::unique_ptr<plain_latch> (*)();
    static inline maker make = nullptr;

    void lock() { its_->lock(); }
    bool try_lock() { return its_->try_lock(); }
    bool try_lock_for(std::chrono::nanoseconds wait) { return its_->try_lock_for(wait); }
    void unlock() { its_->unlock(); }
    void lock_shared() { its_->lock_shared(); }
    bool try_lock_shared() { return its_->try_lock_shared(); }
    bool try_lock_shared_for(std::chrono::nanoseconds wait) {
        return its_->try_lock_shared_for(wait);
    }
    void unlock_shared() { its_->unlock_shared(); }
    void downgrade() { its_->downgrade(); }
    void pin() { its_->pin(); }
    void unpin() { its_->unpin(); }
    bool try_lock_unpinned() { return its_->try_lock_unpinned(); }
    [[nodiscard]] std::uint32_t version() const { return its_->version(); }
    [[nodiscard]] bool unchanged_since(std::uint32_t seen) const {
        return its_->unchanged_since(seen);
    }

private:
    std::unique_ptr<plain_latch> its_ = make();
};

template <class Latch>
quire::testing::report check(latch_trial const& trial = {}) {
    if constexpr (std::derived_from<Latch, plain_latch>) {
        any_of_them::make = [] { return std::unique_ptr<plain_latch>{std::make_unique<Latch>()}; };
        return check_latch<any_of_them>(trial);
    } else {
        return check_latch<Latch>(trial);
    }
}

latch_trial const quick{.wait_max = 300ms};

template <class Latch>
bool breaks(std::string const& rule, latch_trial const& trial = quick) {
    auto const found = check<Latch>(trial);
    UNSCOPED_INFO(found.text());
    return found.names(rule);
}

}  // namespace

TEST_CASE("check_latch: finds nothing in latches that are right") {
    CHECK(check<plain_latch>().text() == "");
    CHECK(check_latch<fails_now_and_then>().text() == "");
    CHECK(check_latch<quire::hybrid_latch>().text() == "");
    CHECK(check_latch<std::shared_mutex>().text() == "");
    // Not in the stress test: the thread sanitizer does not know its timed functions.
    CHECK(check_latch<std::shared_timed_mutex>().text() == "");
}

TEST_CASE("check_latch: asks a latch of one thread what one thread can see") {
    CHECK(check_latch<quire::no_latch>({.threads = 1}).text() == "");
    CHECK(check<plain_latch>({.threads = 1}).text() == "");
    CHECK(check<writer_beside_readers>({.threads = 1})
              .names("page_latch: a reader keeps writers out until the last one has left"));
    CHECK(check<ignores_pins>({.threads = 1})
              .names("pinning: a pin keeps try_lock_unpinned out, and nothing else"));
}

TEST_CASE("check_latch: tries a latch that says it is for one thread by one") {
    auto const found = check_latch<quire::no_latch>();
    CHECK(found.text() == "");
    CHECK(found.unchecked().back() ==
          "what waits, and what is under load (it is a latch of one thread)");
}

TEST_CASE("check_latch: says which refinements it has tried, and why not the others") {
    using words = std::vector<std::string>;
    auto const all = check_latch<quire::hybrid_latch>();
    CHECK(all.checked() ==
          words{"page_latch", "timed_latch", "interruptible", "downgradable", "pinning",
                "versioned"});
    CHECK(all.unchecked().empty());

    auto const near = check_latch<near_misses>();
    CHECK(near.text() == "");
    CHECK(near.checked() == words{"page_latch"});
    REQUIRE(near.unchecked().size() == 5);
    CHECK(near.unchecked()[0].starts_with("timed_latch (the latch has a part of it"));
    CHECK(near.unchecked()[2] == "downgradable (the latch does not offer it)");
    CHECK(near.unchecked()[3].starts_with("pinning (the latch has a part of it"));
    CHECK(near.unchecked()[4] ==
          "versioned (the latch has version, but not const version and unchanged_since(v) that "
          "return std::uint32_t and bool)");
}

TEST_CASE("check_latch: names the rule that a hold breaks") {
    CHECK(breaks<readers_alone>("page_latch: readers share"));
    CHECK(breaks<writer_beside_readers>(
        "page_latch: a reader keeps writers out until the last one has left"));
    CHECK(breaks<counts_readers_in_a_byte>("page_latch: a reader keeps writers out until the last "
                                           "one has left (256 are in)"));
    CHECK(breaks<first_reader_leaves_for_all>(
        "page_latch: a reader keeps writers out until the last one has left"));
    CHECK(breaks<reader_beside_writer>(
        "page_latch: a writer keeps readers and writers out until it unlocks (try_lock_shared)"));
    CHECK(breaks<does_not_wait>(
        "page_latch: a writer keeps readers and writers out until it unlocks (it did not wait)"));
    CHECK(breaks<stays_locked>("page_latch: try_lock and try_lock_shared do not wait, and get in "
                               "now and then (a thread waits for ever)"));
}

// How a rule was seen to be broken may differ on a busy machine: only the rule is asked for.
TEST_CASE("check_latch: names the rule that a wait breaks") {
    CHECK(breaks<does_not_wake>("page_latch: unlock wakes the writer that waits"));
    bool named = false;  // on a busy machine the readers may come too late to wait
    for (int tries = 0; tries < 5 && !named; ++tries) {
        named = breaks<wakes_one_of_many>("page_latch: unlock wakes the readers that wait",
                                          {.wait_max = 1s});
    }
    CHECK(named);
    CHECK(breaks<last_reader_does_not_wake>(
        "page_latch: unlock_shared of the last reader wakes the writer that waits"));
    CHECK(breaks<downgrade_does_not_wake>(
        "downgradable: downgrade keeps writers out and lets readers in, even those that wait"));
    CHECK(breaks<gives_up_late>("timed_latch: try_lock_for gives up when its time is over, and "
                                "gets in when the latch is free"));
}

TEST_CASE("check_latch: names the rule that a refinement breaks") {
    CHECK(breaks<downgrade_forgets_to_hold>("downgradable: downgrade keeps writers out and lets "
                                            "readers in, even those that wait (a writer got in)"));
    CHECK(breaks<ignores_pins>("pinning: a pin keeps try_lock_unpinned out, and nothing else (it "
                               "got in despite a pin)"));
    CHECK(breaks<pins_exclude>("pinning: a pin keeps try_lock_unpinned out, and nothing else (a "
                               "writer is kept out)"));
    CHECK(breaks<same_version>(
        "versioned: version moves with every exclusive section, even one that was downgraded"));
    CHECK(breaks<downgraded_same_version>(
        "versioned: version moves with every exclusive section, even one that was downgraded "
        "(downgrade)"));
    CHECK(breaks<evicted_same_version>(
        "versioned: version moves with every exclusive section, even one that was downgraded "
        "(try_lock_unpinned)"));
    CHECK(breaks<version_of_visits>("versioned: version does not change while a reader is in"));
    CHECK(breaks<forgets_the_writer>("versioned: unchanged_since is false while a writer is in and "
                                     "after one was, else true (true beside a writer)"));
    CHECK(breaks<never_unchanged>("versioned: unchanged_since is false while a writer is in and "
                                  "after one was, else true (false on a free latch)"));
}

TEST_CASE("check_latch: names under load what no script can see") {
    latch_trial const long_enough{.wait_max = 8s};  // on a machine that has other things to do, too
    CHECK(breaks<downgrade_lets_go>(
        "downgradable: no writer gets in between downgrade and unlock_shared", long_enough));
    CHECK(breaks<looks_then_takes>(
        "page_latch: under load writers exclude each other, and readers see whole states",
        long_enough));
}
