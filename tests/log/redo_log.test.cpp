// SPDX-License-Identifier: BSL-1.0

#include <quire/log/redo_log.hpp>

#include <quire/io/memory_backend.hpp>
#include <quire/testing/crash_backend.hpp>
#include <quire/testing/faulty_backend.hpp>

#include "catch.hpp"
#include "figures.hpp"
#include "pool/calls.hpp"
#include "pool/doubles.hpp"
#include "random.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using quire::errc;
using quire_test::refusal;

namespace {

using memory_log = quire::redo_log<quire::memory_backend>;
using crash_log = quire::redo_log<quire::testing::crash_backend>;
constexpr std::uint64_t smallest = 18 * 4096;

std::span<std::byte const> bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text.data(), text.size()});
}
std::string text_of(std::span<std::byte const> bytes) {
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}
/// A record that tells its number and its length.
std::string numbered(std::uint64_t number, std::size_t length) {
    auto text = std::to_string(number) + ":";
    while (text.size() < length) { text += static_cast<char>('a' + (number + text.size()) % 26); }
    return text;
}
template <class Log>
std::vector<std::string> all_of(Log& log) {
    std::vector<std::string> found;
    log.replay([&](std::uint64_t, auto bytes) { found.push_back(text_of(bytes)); });
    return found;
}

}  // namespace

TEST_CASE("redo_log: what was synced is there when it is opened again") {
    quire::memory_backend::options const disk{quire::memory_store_ptr::make()};
    std::vector<std::string> expected;
    {
        memory_log log{"l", {.bytes = smallest, .backend = disk}};
        CHECK(all_of(log).empty());
        for (std::size_t i = 0; i < 40; ++i) {
            expected.push_back(numbered(i, i * 29 % 1200));
            log.append(bytes_of(expected.back()));
        }
        log.sync(log.end());
        CHECK(log.durable() == log.end());
    }
    for (int i = 0; i < 3; ++i) {
        memory_log log{"l", {.bytes = smallest, .backend = disk}};
        CHECK(all_of(log) == expected);
        expected.push_back(numbered(100, 50));
        log.sync(log.append(bytes_of(expected.back())));
    }
}

namespace {

/// A log on a disk that may crash, and what its records may be afterwards.
class crashing_log {
public:
    explicit crashing_log(quire_test::test_random& random) : random_{random} {
        open();
        log.reset();
        disk_->assign("l", disk_->states("l").state(0));
        open();
    }
    ~crashing_log() { disk_->before_sync = nullptr; }

    std::uint64_t states = 0;
    std::uint64_t shorter = 0;  ///< had lost records that were not synced
    std::uint64_t longer = 0;   ///< had some of these
    std::uint64_t moved = 0;    ///< began later

    void step() {
        switch (random_.below(8)) {
            case 0: return sync();
            case 1: return begin_later();
            case 2: return live_again_after_a_crash();
            case 3: return live_again_after_a_kill();
            default: return append();
        }
    }

private:
    /// What recovery may find: the records from `begin` or `next_begin` on, to `synced` at least.
    struct truth {
        std::vector<std::string> records;
        std::size_t synced = 0;
        std::size_t begin = 0;
        std::size_t next_begin = 0;  // another one, while the header is written

        [[nodiscard]] bool fits(std::vector<std::string> const& found, std::size_t from) const {
            auto const end = found.size() + from;
            return end >= synced && end <= records.size() &&
                   std::equal(found.begin(), found.end(),
                              records.begin() + static_cast<std::ptrdiff_t>(from));
        }
    };
    using bytes = std::vector<std::byte>;

    void open() {
        disk_->before_sync = nullptr;
        log.emplace("l", quire::redo_log_options<quire::testing::crash_backend>{
                             .bytes = smallest, .buffer_bytes = 16 << 10, .backend = {disk_}});
        disk_->before_sync = [&](std::string const&) { crash(); };
    }
    [[nodiscard]] bytes some_state() {
        return disk_->states("l").state_by([&](std::uint64_t k) { return random_.below(k); });
    }
    /// What is found in `state`.
    [[nodiscard]] static std::vector<std::string> found_in(bytes state) {
        quire::memory_backend::options const after{quire::memory_store_ptr::make()};
        after.store->assign("l", std::move(state));
        memory_log found{"l", {.backend = after}};
        return all_of(found);
    }
    void crash() {
        auto const left = disk_->states("l");
        for (int n = 0; n < 10; ++n) {
            auto const found =
                found_in(n == 0 ? left.state(0) : n == 1 ? left.state(left.count() - 1)
                                                         : some_state());
            bool const as_before = now_.fits(found, now_.begin);
            REQUIRE((as_before || now_.fits(found, now_.next_begin)));
            auto const end = found.size() + (as_before ? now_.begin : now_.next_begin);
            ++states;
            shorter += end < now_.records.size() ? 1U : 0U;
            longer += end > now_.synced ? 1U : 0U;
            moved += as_before ? 0U : 1U;
        }
        if (random_.below(2) == 0) {
            left_behind_ = some_state();
            left_behind_is_ = now_;
        }
    }

    void append() {
        auto record = numbered(++number_, random_.below(3000));
        try {
            now_.records.push_back(record);
            lsns_[now_.records.size()] = log->append(bytes_of(record));
        } catch (quire::error const& e) {
            REQUIRE(e.kind() == errc::log_full);
            now_.records.pop_back();
        }
    }
    void sync() {
        log->sync(log->end());
        now_.synced = now_.records.size();
    }
    void begin_later() {
        if (now_.records.size() < now_.begin + 3) { return; }
        now_.next_begin = now_.records.size() - random_.below(3);
        try {
            log->begin_after(lsns_.at(now_.next_begin));
            now_.begin = now_.next_begin;
            now_.synced = now_.records.size();
        } catch (quire::error const& e) {
            REQUIRE(e.kind() == errc::log_full);
            now_.next_begin = now_.begin;
        }
        crash();
    }
    void live_again_after_a_crash() {
        if (left_behind_.empty()) { return; }
        log.reset();
        disk_->assign("l", left_behind_);
        now_ = left_behind_is_;
        left_behind_.clear();
        take_stock();
    }
    /// What is found may be in a cache only.
    void live_again_after_a_kill() {
        log.reset();
        take_stock();
        crash();
    }
    void take_stock() {
        open();
        auto const found = all_of(*log);
        if (!now_.fits(found, now_.begin)) { now_.begin = now_.next_begin; }
        REQUIRE(now_.fits(found, now_.begin));
        now_.next_begin = now_.begin;
        now_.records.resize(now_.begin + found.size());
        now_.synced = now_.records.size();
        auto at = now_.begin;
        log->replay([&](std::uint64_t lsn, auto) { lsns_[++at] = lsn; });
    }

    quire_test::test_random& random_;
    std::shared_ptr<quire::testing::crash_disk> disk_ =
        std::make_shared<quire::testing::crash_disk>();
    std::optional<crash_log> log;
    truth now_;
    std::map<std::size_t, std::uint64_t> lsns_;  // by how many records there are then
    std::uint64_t number_ = 0;
    bytes left_behind_;
    truth left_behind_is_;
};

}  // namespace

TEST_CASE("redo_log: a crash leaves the first records, all that were synced, and no other bytes",
          "[long][crash]") {
    quire_test::test_random random;
    std::uint64_t states = 0;
    std::uint64_t shorter = 0;
    std::uint64_t longer = 0;
    std::uint64_t moved = 0;
    for (std::uint64_t life = 0; life < quire_test::amount(24, 600); ++life) {
        crashing_log one{random};
        for (int i = 0; i < 100; ++i) { one.step(); }
        states += one.states;
        shorter += one.shorter;
        longer += one.longer;
        moved += one.moved;
    }
    std::cout << "redo_log: " << states << " states after a crash, " << shorter
              << " had lost records that were not synced, " << longer << " had some of them, "
              << moved << " began later\n";
    CHECK(states > 4000);
    CHECK(shorter > 400);
    CHECK(longer > 400);
    CHECK(moved > 40);
}

TEST_CASE("redo_log: what a recovery found is written again, from where it is known durable") {
    quire_test::gated_backend::options const disk{};
    using gated_log = quire::redo_log<quire_test::gated_backend>;
    {
        gated_log log{"l", {.bytes = smallest, .backend = disk}};
        for (std::uint64_t i = 0; i < 3; ++i) { log.sync(log.append(bytes_of("one"))); }
    }
    auto const writes = [&](std::uint64_t block) {
        return disk.script->count(quire::io_verb::write, (2 + block) * 4096);
    };
    std::array const before{writes(1), writes(2), writes(3), writes(4)};
    gated_log const log{"l", {.backend = disk}};
    CHECK(writes(1) == before[0]);
    CHECK(writes(2) == before[1]);  // block 3 says that all before it was durable
    CHECK(writes(3) == before[2] + 1);
    CHECK(writes(4) == before[3]);
}

TEST_CASE("redo_log: a crash while it is made leaves one that can be made, or opened") {
    quire_test::test_random random;
    auto disk = std::make_shared<quire::testing::crash_disk>();
    std::uint64_t states = 0;
    auto const crash = [&](std::string const&) {
        auto const left = disk->states("l");
        for (int n = 0; n < 40; ++n) {
            quire::memory_backend::options const after{quire::memory_store_ptr::make()};
            after.store->assign("l", n == 0 ? left.state(0) : left.state_by([&](std::uint64_t k) {
                return random.below(k);
            }));
            memory_log log{"l", {.bytes = smallest, .backend = after}};
            REQUIRE(all_of(log).empty());
            log.sync(log.append(bytes_of("one")));
            ++states;
        }
    };
    disk->before_sync = crash;
    crash_log log{"l", {.bytes = smallest, .backend = {disk}}};
    crash("l");
    disk->before_sync = nullptr;
    CHECK(states >= 120);
}

TEST_CASE("redo_log: a file with bytes where a log's first record would be is no log") {
    quire::memory_backend::options const disk{quire::memory_store_ptr::make()};
    std::vector<std::byte> bytes(smallest);
    bytes[2 * 4096 + 600] = std::byte{1};
    disk.store->assign("l", bytes);
    CHECK(refusal([&] { memory_log{"l", {.backend = disk}}; }) == errc::log_corrupt);
    CHECK(disk.store->bytes("l") == bytes);
}

TEST_CASE("redo_log: a file that is longer than its header says is read, a shorter one refused") {
    quire::memory_backend::options const disk{quire::memory_store_ptr::make()};
    {
        memory_log log{"l", {.bytes = smallest, .backend = disk}};
        log.sync(log.append(bytes_of("one")));
    }
    auto bytes = disk.store->bytes("l");
    bytes.resize(bytes.size() + (std::size_t{1} << 20));  // some backends grow in steps
    disk.store->assign("l", bytes);
    for (int i = 0; i < 3; ++i) {
        memory_log log{"l", {.bytes = smallest, .backend = disk}};
        CHECK(all_of(log).size() == static_cast<std::size_t>(i + 1));
        log.sync(log.append(bytes_of("more")));
    }
    bytes.resize(smallest - 4096);
    disk.store->assign("l", bytes);
    auto const refused = refusal([&] { memory_log const log{"l", {.backend = disk}}; });
    CHECK(refused == errc::log_corrupt);
}

TEST_CASE("redo_log: a file that is no log is refused, and stays as it is") {
    quire::memory_backend::options const disk{quire::memory_store_ptr::make()};
    std::vector<std::byte> other(GENERATE(4096U, 18U * 4096U, 40U * 4096U));
    other[GENERATE(0U, 4000U)] = std::byte{7};
    disk.store->assign("l", other);
    CHECK(refusal([&] { memory_log{"l", {.bytes = smallest, .backend = disk}}; }) ==
          errc::log_corrupt);
    CHECK(disk.store->bytes("l") == other);
}

TEST_CASE("redo_log: after a failed sync, or write, nothing is appended or synced any more") {
    auto const verb = GENERATE(quire::testing::io_call::sync, quire::testing::io_call::write);
    quire::memory_backend::options const disk{quire::memory_store_ptr::make()};
    auto const plan = std::make_shared<quire::testing::fault_plan>();
    using faulty = quire::testing::faulty_backend<quire::memory_backend>;
    quire::redo_log<faulty> log{
        "l", {.bytes = smallest, .backend = {.inner = disk, .faults = plan}}};
    log.sync(log.append(bytes_of("one")));
    auto const lsn = log.append(bytes_of("two"));
    plan->add({.call = verb});
    CHECK(refusal([&] { log.sync(lsn); }) == errc::log_failed);
    CHECK(log.durable() < lsn);
    CHECK(refusal([&] { log.append(bytes_of("three")); }) == errc::log_failed);
    CHECK(refusal([&] { log.sync(lsn); }) == errc::log_failed);
    CHECK(refusal([&] { log.begin_after(log.durable()); }) == errc::log_failed);
    plan->clear();
    CHECK(refusal([&] { log.sync(lsn); }) == errc::log_failed);
}

TEST_CASE("redo_log: a flipped bit is an error, or harmless") {
    quire::memory_backend::options const disk{quire::memory_store_ptr::make()};
    std::vector<std::string> expected;
    {
        memory_log log{"l", {.bytes = smallest, .backend = disk}};
        for (std::size_t i = 0; i < 12; ++i) {
            expected.push_back(numbered(i, 300));
            log.sync(log.append(bytes_of(expected.back())));
        }
    }
    auto const good = disk.store->bytes("l");
    std::size_t refused = 0;
    for (std::size_t at = 0; at < good.size(); at += 37) {
        auto bad = good;
        bad[at] ^= std::byte{static_cast<unsigned char>(1U << at % 8)};
        disk.store->assign("l", bad);
        try {
            memory_log log{"l", {.backend = disk}};
            CHECK(all_of(log) == expected);
        } catch (quire::error const& e) {
            CHECK(e.kind() == errc::log_corrupt);
            ++refused;
        }
    }
    CHECK(refused > 100);
}

TEST_CASE("redo_log: one that was written with a larger buffer is none the less whole") {
    quire::memory_backend::options const disk{quire::memory_store_ptr::make()};
    auto const record = numbered(1, 60'000);
    {
        memory_log log{"l", {.bytes = 1 << 20, .backend = disk}};
        log.sync(log.append(bytes_of(record)));
    }
    memory_log log{"l", {.buffer_bytes = 16 << 10, .backend = disk}};
    CHECK(all_of(log) == std::vector{record});
    CHECK(refusal([&] { log.append(bytes_of(record)); }) == errc::bad_option);
}

TEST_CASE("redo_log: it is full until it begins later") {
    quire::memory_backend::options const disk{quire::memory_store_ptr::make()};
    memory_log log{"l", {.bytes = smallest, .backend = disk}};
    auto const record = numbered(1, 1000);
    std::uint64_t last = 0;
    int count = 0;
    while (!refusal([&] { last = log.append(bytes_of(record)); })) { ++count; }
    CHECK(count > 40);
    CHECK(refusal([&] { log.append(bytes_of(record)); }) == errc::log_full);
    for (int round = 0; round < 10; ++round) {
        log.begin_after(last);
        std::vector<std::string> expected;
        while (!refusal([&] { last = log.append(bytes_of(record)); })) {
            expected.push_back(record);
        }
        CHECK(expected.size() > 40);
        log.sync(last);
        quire::memory_backend::options const copy{quire::memory_store_ptr::make()};
        copy.store->assign("l", disk.store->bytes("l"));
        memory_log found{"l", {.backend = copy}};
        CHECK(all_of(found) == expected);
    }
}

TEST_CASE("redo_log: threads that let it begin later never let it begin earlier") {
    auto const disk = std::make_shared<quire::testing::crash_disk>();
    crash_log log{"l", {.bytes = 1 << 20, .backend = {disk}}};
    auto const first = log.append(bytes_of("a record"));
    auto const second = log.append(bytes_of("a record"));
    log.append(bytes_of("the last one"));
    std::jthread other;
    disk->before_sync = [&](std::string const&) {  // while it begins after the second
        if (other.joinable()) { return; }
        other = std::jthread{[&] { log.begin_after(first); }};
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    };
    log.begin_after(second);
    other.join();
    disk->before_sync = nullptr;
    CHECK(log.begin() == second);
    CHECK(all_of(log) == std::vector<std::string>{"the last one"});
}

TEST_CASE("redo_log: threads append and sync beside each other") {
    quire::memory_backend::options const disk{quire::memory_store_ptr::make()};
    {
        memory_log log{"l", {.bytes = 4 << 20, .buffer_bytes = 16 << 10, .backend = disk}};
        std::vector<std::thread> threads;
        for (unsigned t = 0; t < 8; ++t) {
            threads.emplace_back([&, t] {
                for (unsigned i = 0; i < 200; ++i) {
                    auto const at = log.append(bytes_of(numbered(1000 * t + i, 20 + i % 200)));
                    if (i % 3 == 0) {
                        log.sync(at);
                        if (log.durable() < at) { std::abort(); }
                    }
                }
            });
        }
        for (auto& one : threads) { one.join(); }
        log.sync(log.end());
    }
    memory_log log{"l", {.backend = disk}};
    auto const found = all_of(log);
    CHECK(found.size() == 1600);
    std::map<unsigned long, unsigned long> next;
    for (auto const& one : found) {
        auto const number = std::stoul(one);
        CHECK(number % 1000 == next[number / 1000]++);
    }
}

TEST_CASE("redo_log: one sync for all who wait, and none of them is forgotten") {
    auto const disk = std::make_shared<quire::testing::crash_disk>();
    crash_log log{"l", {.bytes = 1 << 22, .backend = {disk}}};
    std::atomic<std::uint64_t> syncs{0};
    disk->before_sync = [&](std::string const&) {
        ++syncs;
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    };
    constexpr std::uint64_t each = 50;
    auto const begin = std::chrono::steady_clock::now();
    {
        std::vector<std::jthread> threads;
        for (std::uint64_t t = 0; t < 6; ++t) {
            threads.emplace_back([&log, t] {
                for (std::uint64_t i = 0; i < each; ++i) {
                    auto const at = log.append(bytes_of(numbered(t, 20)));
                    log.sync(at);
                    if (log.durable() < at) { throw std::logic_error{"not durable"}; }
                }
            });
        }
    }
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{20});  // usually 0.2
    CHECK(syncs < 6 * each / 2);
    disk->before_sync = nullptr;
}
