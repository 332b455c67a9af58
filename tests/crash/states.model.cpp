// SPDX-License-Identifier: BSL-1.0

/// Power fails, at every moment, and leaves every mixture of what was not synced.
///
/// The oracle: after a crash each page is at the version that was last flushed or at a later one;
/// or it is refused by its seal, and then it was being written and is not whole; it is blank only
/// if it was never flushed. The file has a size that it had since. Nothing that a flush
/// acknowledged is gone. Where versions are logged, no page is ahead of its log.
///
/// All sequences of up to three operations (four in the long form) over three pages are tried with
/// every state they can leave; long ones, also with faults of the disk on the way, with a sample of
/// theirs. Every state of a run is one at a sync or at the end (crash_backend.hpp).

#include "crash/recovery.hpp"

#include <quire/evict/clock.hpp>
#include <quire/evict/lru.hpp>
#include <quire/evict/sieve.hpp>
#include <quire/latch/no_latch.hpp>
#include <quire/testing/crash_backend.hpp>
#include <quire/testing/faulty_backend.hpp>

#include "catch.hpp"
#include "figures.hpp"
#include "random.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <shared_mutex>

using namespace std::chrono_literals;
using quire::errc;
using quire::testing::crash_backend;
using quire::testing::crash_disk;
using quire::testing::fault_plan;
using quire::testing::faulty_backend;
using quire::testing::io_call;
using quire::testing::io_fault;
using quire_test::recovery;
using quire_test::stamp;
using quire_test::stamp_of;

namespace {

/// What each page, and the file's size, may be after a crash now.
class promises {
public:
    [[nodiscard]] bool size(std::uint64_t pages) const { return sizes_.contains(pages); }
    [[nodiscard]] bool page(std::uint64_t no, std::uint64_t version) const {
        return version <= log_durable && pages_.at(no).contains(version);
    }
    [[nodiscard]] bool may_tear(std::uint64_t no) const { return pages_.at(no).size() > 1; }
    /// The lowest is the oldest.
    [[nodiscard]] std::uint64_t flushed(std::uint64_t no) const { return *pages_.at(no).begin(); }

    void wrote(std::uint64_t no, std::uint64_t version) { pages_.at(no).insert(version); }
    /// The file may have that size; where it is longer, there are zeros.
    void resized(std::uint64_t from, std::uint64_t to) {
        pages_.resize(std::max(pages_.size(), to));
        for (auto no = from; no < to; ++no) { pages_[no].insert(0); }
        sizes_.insert(to);
    }
    /// A flush has returned: `now[no]` is durable.
    void acknowledge(std::vector<std::uint64_t> const& now) {
        pages_.clear();
        for (auto const version : now) { pages_.push_back({version}); }
        sizes_ = {now.size()};
    }

    /// The same for the same promises.
    [[nodiscard]] std::size_t hash() const {
        std::size_t sum = log_durable;
        auto const add = [&](std::uint64_t value) {
            sum = (sum ^ value) * 0x9E37'79B9'7F4A'7C15;
        };
        for (auto const& versions : pages_) {
            for (auto const version : versions) { add(version); }
            add(~std::uint64_t{0});
        }
        for (auto const pages : sizes_) { add(pages); }
        return sum;
    }

    std::uint64_t log_durable = ~std::uint64_t{0};  ///< versions above are not in the log yet

private:
    std::vector<std::set<std::uint64_t>> pages_;
    std::set<std::uint64_t> sizes_{0};
};

/// A pool over a disk that can crash, and what was promised.
template <class Pool>
class run {
public:
    static constexpr std::size_t size = Pool::page_size;

    /// `look(states, promises)` is called wherever the power could fail.
    template <class Look>
    run(typename Pool::options_type options, std::shared_ptr<crash_disk> disk, bool logged,
        Look look)
        : disk_{std::move(disk)}, logged_{logged} {
        if (logged) {
            promised_.log_durable = 0;
            options.durable = [this](std::uint64_t lsn) {
                if (++hook_calls_ % 5 != 0) { promised_.log_durable = std::max(lsn, log()); }
                return log();  // every fifth time the log is behind
            };
        }
        options.on_loss = [](std::string const&, quire::error const&) {};
        faults_ = faults_of(options);
        disk_->before_sync = [this, look](std::string const& name) {
            look(disk_->states(name), promised_);
        };
        pool_.emplace(options);
        open();
    }

    ~run() { promised_.resized(pages_, pages_); }  // the pool's end cuts off what was reserved
    run(run const&) = delete;
    run& operator=(run const&) = delete;

    void open() { file_.emplace(pool_->open("f", quire::open_mode::open_or_create)); }
    void append() {
        promised_.resized(pages_, pages_ + 1);
        auto page = file_->append();
        if (now_.size() < ++pages_) { now_.push_back(0); }
        change(page);
    }
    void write(std::uint64_t no) {
        if (no >= pages_) { return; }
        auto page = file_->write(no);
        expect(no, page.view());
        change(page);
    }
    void read(std::uint64_t no) {
        if (no >= pages_) { return; }
        auto const page = file_->read(no);
        expect(no, *page);
    }
    void flush() {
        file_->flush();
        promised_.acknowledge(now_);
    }
    void write_back() { file_->write_back(); }
    void truncate(std::uint64_t pages) {
        if (pages > pages_) { return; }
        promised_.resized(pages_, pages);
        file_->truncate(pages);
        now_.resize(pages);
        pages_ = pages;
    }
    void discard(std::uint64_t no) {
        if (no >= pages_) { return; }
        file_->discard(no);
        find(no);
    }
    void reserve() {
        promised_.resized(now_.size(), pages_ + 1);
        file_->reserve(1);
        now_.resize(std::max(now_.size(), pages_ + 1));
    }
    void reopen() {
        promised_.resized(pages_, pages_);  // what was reserved is cut off, if it can be
        file_->close();
        open();
        pages_ = file_->pages();
        now_.resize(pages_);
        promised_.acknowledge(now_);
    }
    /// After a failed sync: nothing more is promised, and the file is as it is.
    void give_up() {
        file_->close(quire::unwritten::discard);
        open();
        pages_ = file_->pages();
        now_.resize(pages_);
        for (std::uint64_t no = 0; no < pages_; ++no) { find(no); }
    }

    [[nodiscard]] std::uint64_t pages() const { return pages_; }
    [[nodiscard]] bool has_sync_error() const { return file_->slot().sync_error != 0; }
    [[nodiscard]] promises const& promised() const { return promised_; }

private:
    [[nodiscard]] std::uint64_t log() const { return promised_.log_durable; }

    template <class View>
    void expect(std::uint64_t no, View const& page) const {
        if (stamp_of(page) != now_[no]) { throw std::logic_error{"a reader found an old page"}; }
    }
    template <class Guard>
    void change(Guard& page) {
        auto const no = page.id().page().value();
        stamp(*page, ++versions_);
        now_[no] = versions_;
        promised_.wrote(no, versions_);
        if (logged_) { page.logged(versions_); }
    }
    /// Page `no` is whatever the file has.
    void find(std::uint64_t no) {
        if (faults_ != nullptr) { faults_->clear(); }
        try {
            auto const page = file_->read(no);
            now_[no] = stamp_of(*page).value();
        } catch (quire::error const& e) {
            if (e.kind() != errc::blank_page && e.kind() != errc::corrupt_page) { throw; }
            auto page = file_->format(no);  // as a repair would
            change(page);
        }
    }

    [[nodiscard]] static std::shared_ptr<fault_plan> faults_of(
        typename Pool::options_type const& options) {
        if constexpr (requires { options.backend.faults; }) { return options.backend.faults; }
        return nullptr;
    }

    std::shared_ptr<crash_disk> disk_;
    std::shared_ptr<fault_plan> faults_;
    bool logged_;
    promises promised_;
    std::uint64_t hook_calls_ = 0;
    std::uint64_t versions_ = 0;
    std::uint64_t pages_ = 0;
    std::vector<std::uint64_t> now_;  ///< versions; also of pages that are only reserved: 0
    std::optional<Pool> pool_;
    std::optional<typename Pool::file> file_;
};

// Sequences of few operations over three pages.

template <class Run>
void one_operation(Run& r, std::size_t which) {
    switch (which) {
        case 0:
        case 1:
        case 2: r.write(which); return;
        case 3: r.flush(); return;
        case 4: r.write_back(); return;
        case 5: r.append(); return;
        case 6: r.truncate(2); return;
        case 7: r.discard(0); return;
        case 8:
            for (std::uint64_t no = 0; no < 3; ++no) { r.read(no); }  // through two frames
            return;
        default: r.reopen(); return;
    }
}
constexpr std::size_t operations = 10;

/// Every state that the last operation of a sequence can leave.
template <class Pool>
void after_sequence(std::vector<std::size_t> const& sequence, bool logged, bool sync_lies,
                    recovery<Pool::page_size>& recovered) {
    auto disk = std::make_shared<crash_disk>();
    bool looking = false;
    auto const look = [&](quire::testing::crash_states const& left, promises const& promised) {
        for (std::uint64_t n = 0; looking && n < left.count(); ++n) {
            recovered.recover(left.state(n), promised);
        }
    };
    run<Pool> r{{.frames = 2, .files_max = 1, .file_pages_max = 64, .backend = {disk}}, disk,
                logged, look};
    for (int i = 0; i < 3; ++i) { r.append(); }
    while (r.promised().may_tear(0)) {  // the log may be behind
        try {
            r.flush();
        } catch (quire::error const& e) {
            if (e.kind() != errc::log_failed) { throw; }
        }
    }
    disk->sync_lies = sync_lies;
    for (std::size_t i = 0; i < sequence.size(); ++i) {
        looking = i + 1 == sequence.size();  // before, a shorter sequence has looked
        try {
            one_operation(r, sequence[i]);
        } catch (quire::error const& e) {
            if (e.kind() != errc::log_failed) { throw; }
        }
    }
    look(disk->states("f"), r.promised());
}

template <class Pool>
void all_sequences(std::size_t longest, bool logged, bool sync_lies,
                   recovery<Pool::page_size>& recovered) {
    for (std::size_t length = 1; length <= longest; ++length) {
        std::vector<std::size_t> sequence(length);
        for (bool more = true; more;) {
            auto const wrong_before = recovered.wrong;
            after_sequence<Pool>(sequence, logged, sync_lies, recovered);
            if (wrong_before == 0 && recovered.wrong > 0) {
                std::cout << "after";
                for (auto const which : sequence) { std::cout << ' ' << which; }
                std::cout << ": " << recovered.first_wrong << '\n';
            }
            std::size_t at = 0;
            while (at < length && ++sequence[at] == operations) { sequence[at++] = 0; }
            more = at < length;
        }
    }
}

template <std::size_t Size>
void print_and_check(recovery<Size>& recovered) {
    std::cout << recovered.states() << " states, " << recovered.distinct_states()
              << " distinct; pages at their old version " << recovered.old_version
              << ", at a new one " << recovered.new_version << ", blank " << recovered.blank
              << ", refused by their seal " << recovered.refused << '\n';
    quire_test::figure("distinct crash states", recovered.distinct_states());
    INFO(recovered.first_wrong);
    CHECK(recovered.wrong == 0);
    CHECK(recovered.old_version > 0);
    CHECK(recovered.new_version > 0);
    CHECK(recovered.blank > 0);
    CHECK(recovered.refused > 0);
}

template <std::size_t Size, class Policy, class Latch, class Backend = crash_backend>
using pool_of = quire::buffer_pool<Size, Policy, Latch, Backend>;

// Long runs.

/// A state in which little, much, or about half of what was not synced has arrived.
std::vector<std::byte> any_state(quire::testing::crash_states const& left, generator& random) {
    auto const bias = random.below(4);
    return left.state_by([&](std::uint64_t choices) {
        switch (bias) {
            case 0: return random.chance(1, 10) ? random.below(choices) : 0;
            case 1: return random.chance(1, 10) ? random.below(choices) : choices - 1;
            case 2: return random.chance(1, 2) ? 0 : choices - 1;
            default: return random.below(choices);
        }
    });
}

template <class Run>
void any_operation(Run& r, generator& random) {
    auto const no = random.below(r.pages() + 1);
    auto const what = random.below(100);
    if (what < 45) { return r.write(no); }
    if (what < 60) { return r.read(no); }
    if (what < 70) { return r.pages() < 12 ? r.append() : r.truncate(random.between(4, 12)); }
    if (what < 76) { return r.flush(); }
    if (what < 82) { return r.write_back(); }
    if (what < 88) { return r.discard(no); }
    if (what < 92) { return r.truncate(random.between(r.pages() / 2, r.pages())); }
    if (what < 96) { return r.reserve(); }
    if (what < 98) { return r.reopen(); }
    r.flush();
}

void plan_some(fault_plan& plan, generator& random) {
    plan.clear();
    constexpr std::array kinds{io_fault::fails, io_fault::interrupts, io_fault::shortens,
                               io_fault::delays};
    for (auto const call : {io_call::write, io_call::write, io_call::read}) {
        plan.add({.call = call, .nth = random.below(10), .what = random.pick(kinds),
                  .every = random.below(20)});
    }
    plan.add({.call = io_call::resize, .nth = random.below(4), .every = random.below(4)});
    if (random.chance(1, 8)) { plan.add({.call = io_call::sync, .nth = random.below(4)}); }
}

/// One life of a file: `samples` states wherever the power could fail.
template <class Pool>
void long_run(std::uint64_t steps, std::uint64_t samples, bool logged, generator& random,
              recovery<Pool::page_size>& recovered) {
    auto disk = std::make_shared<crash_disk>();
    auto faults = std::make_shared<fault_plan>();
    auto const look = [&](quire::testing::crash_states const& left, promises const& promised) {
        auto const count = std::min(samples, left.count());
        for (std::uint64_t n = 0; n < count; ++n) {
            recovered.recover(any_state(left, random), promised);
        }
    };
    bool const failing = random.chance(1, 2);
    run<Pool> r{{.frames = 4, .files_max = 1, .file_pages_max = 64, .frame_wait_max = 0ns,
                 .backend = {{disk}, faults}},
                disk, logged, look};
    for (std::uint64_t i = 0; i < steps; ++i) {
        if (failing && i % 16 == 0) { plan_some(*faults, random); }
        try {
            any_operation(r, random);
        } catch (quire::error const& e) {
            auto const kind = e.kind();
            bool const known =
                kind == errc::write_failed || kind == errc::read_failed ||
                kind == errc::short_read || kind == errc::sync_failed ||
                kind == errc::grow_failed || kind == errc::log_failed ||
                kind == errc::blank_page || kind == errc::corrupt_page;
            if (!known) { throw; }
        }
        if (r.has_sync_error()) {
            faults->clear();
            look(disk->states("f"), r.promised());
            r.give_up();
        }
        if (i % 8 == 7) { look(disk->states("f"), r.promised()); }
    }
}

}  // namespace

TEMPLATE_TEST_CASE("crash: every sequence of few operations, every state it can leave",
                   "[long][crash]",
                   (pool_of<1024, quire::s3_fifo, quire::hybrid_latch>),
                   (pool_of<1024, quire::lru, std::shared_mutex>)) {
    recovery<1024> recovered;
    all_sequences<TestType>(quire_test::amount(3, 4), false, false, recovered);
    print_and_check(recovered);
}
TEST_CASE("crash: every sequence of few operations, with a log that is behind now and then",
          "[long][crash]") {
    recovery<1024> recovered;
    using pool = pool_of<1024, quire::clock, quire::no_latch>;
    all_sequences<pool>(quire_test::amount(3, 4), true, false, recovered);
    print_and_check(recovered);
}
TEST_CASE("crash: a sync that lies is found out") {
    recovery<1024> recovered;
    using pool = pool_of<1024, quire::sieve, quire::hybrid_latch>;
    all_sequences<pool>(3, false, true, recovered);
    CHECK(recovered.wrong > 100);
}

TEMPLATE_TEST_CASE("crash: long lives, on disks that fail, too", "[long][crash]",
                   (pool_of<1024, quire::clock, quire::hybrid_latch,
                            faulty_backend<crash_backend>>),
                   (pool_of<4096, quire::s3_fifo, std::shared_mutex,
                            faulty_backend<crash_backend>>)) {
    test_random random;
    recovery<TestType::page_size> recovered;
    auto const wanted = quire_test::amount(40'000, 3'000'000);
    try {
        while (recovered.states() < wanted) {
            long_run<TestType>(400, 24, random.chance(1, 2), random, recovered);
        }
    } catch (std::exception const& e) {
        INFO("after " << recovered.states() << " states: " << e.what());
        CHECK(false);
    }
    print_and_check(recovered);
}
