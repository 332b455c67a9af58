// SPDX-License-Identifier: BSL-1.0
#include <quire/testing/crash_backend.hpp>

#include <quire/testing/check_backend.hpp>
#include <quire/testing/faulty_backend.hpp>

#include "catch.hpp"
#include "io/bench.hpp"
#include "queued_backend.hpp"

#include <algorithm>
#include <cerrno>

#include <map>
#include <memory>
#include <set>
#include <vector>

using quire::io_verb;
using quire::open_mode;
using quire::testing::crash_backend;
using quire::testing::crash_backend_over;
using quire::testing::crash_disk;
using quire::testing::crash_states;
using quire_test::hand_out_order;
using quire_test::queue_script;

namespace {

using bytes = crash_states::bytes;
using memory = quire::memory_backend;
using queued = quire_test::queued_backend<>;
using faulty = quire::testing::faulty_backend<memory>;

/// A state in words: a dot for a sector of zeros, ! for one that is mixed.
std::string word(bytes const& state) {
    std::string letters;
    for (std::size_t at = 0; at < state.size(); at += 512) {
        auto const sector = std::span{state}.subspan(at, 512);
        bool const whole =
            std::ranges::count(sector, sector[0]) == static_cast<std::ptrdiff_t>(512);
        letters += !whole ? '!' : sector[0] == std::byte{} ? '.' : static_cast<char>(sector[0]);
    }
    return letters;
}

/// A file, whose sectors are written with one letter each, so that a state is a word.
template <class Inner>
struct scene {
    using backend = crash_backend_over<Inner>;
    using op = typename backend::op;
    std::shared_ptr<crash_disk> disk;
    quire_test::bench<backend> b;
    typename backend::file file = b.backend.open({"f", open_mode::open_or_create, {}, 512, false});

    explicit scene(typename Inner::options const& inner = {}, std::uint64_t sector_bytes = 512)
        : disk{disk_with(sector_bytes)}, b{{disk, inner}, 6} {}
    static std::shared_ptr<crash_disk> disk_with(std::uint64_t sector_bytes) {
        auto disk = std::make_shared<crash_disk>();
        disk->sector_bytes = sector_bytes;
        return disk;
    }

    op write_op(std::uint64_t sector, std::string const& letters, std::size_t frame = 1) {
        for (std::size_t i = 0; i < letters.size(); ++i) {
            std::ranges::fill(b.frame(frame).subspan(i * 512, 512),
                              static_cast<std::byte>(letters[i]));
        }
        return {io_verb::write, &file, sector * 512, b.frame(frame).first(letters.size() * 512),
                -77};
    }
    void write(std::uint64_t sector, std::string const& letters) {
        REQUIRE(b.run({write_op(sector, letters)}) == std::vector<int>{0});
    }
    void resize(std::uint64_t sectors) {
        REQUIRE(b.backend.resize(file, sectors * 512) == 0);
    }
    void sync() { REQUIRE(b.backend.sync(file) == 0); }

    /// The state of a crash that has lost nothing.
    [[nodiscard]] std::string newest() const {
        auto const states = disk->states("f");
        return word(states.state(states.count() - 1));
    }
    [[nodiscard]] std::set<std::string> words() const {
        auto const states = disk->states("f");
        std::set<std::string> all;
        for (std::uint64_t n = 0; n < states.count(); ++n) { all.insert(word(states.state(n))); }
        return all;
    }
};
using words = std::set<std::string>;

}  // namespace

TEST_CASE("crash_backend: it keeps the rules of a backend") {
    CHECK(quire::testing::check_backend<crash_backend>().text() == "");
}
TEST_CASE("crash_backend: it keeps them over a backend that completes in reap, too") {
    for (auto order : {hand_out_order::in_order, hand_out_order::shuffled}) {
        for (std::uint64_t every : {0U, 1U, 3U}) {
            auto const script =
                std::make_shared<queue_script>(queue_script::settings{order, 1, every});
            CHECK(quire::testing::check_backend<crash_backend_over<queued>>(
                      {}, {{}, {.inner = {}, .script = script}})
                      .text() == "");
        }
    }
}

TEST_CASE("crash_backend: what create_or_replace has emptied is there until the next sync") {
    scene<memory> s;
    s.resize(2);
    s.write(0, "ab");
    s.sync();
    REQUIRE(s.b.backend.close(s.file) == 0);
    s.file = s.b.backend.open({"f", open_mode::create_or_replace, {}, 512, false});
    CHECK(s.words() == words{"ab", ""});
    s.resize(1);
    CHECK(s.words() == words{"ab", ".b", "", "a", "."});
    s.write(0, "x");
    s.sync();
    CHECK(s.words() == words{"x"});
}

TEST_CASE("crash_backend: a write in flight is there or not, and no sync covers it") {
    auto const script = std::make_shared<queue_script>();
    scene<queued> s{{.inner = {}, .script = script}};
    s.resize(2);
    s.write(0, "ab");
    s.sync();
    script->close_gate();
    std::vector ops{s.write_op(0, "xy")};
    std::vector<scene<queued>::op*> done;
    REQUIRE(s.b.submit(ops, done) == 0);
    words const any{"ab", "xb", "ay", "xy"};
    CHECK(s.words() == any);
    s.sync();
    CHECK(s.words() == any);
    script->open_gate();
    REQUIRE(s.b.backend.reap(done, std::chrono::nanoseconds{0}) == 1);
    CHECK(s.words() == any);
    s.sync();
    CHECK(s.words() == words{"xy"});
}
TEST_CASE("crash_backend: what is handed out while a sync is under way is not covered by it") {
    auto const script = std::make_shared<queue_script>();
    scene<queued> s{{.inner = {}, .script = script}};
    s.resize(2);
    s.write(0, "ab");
    s.sync();
    std::vector ops{s.write_op(0, "x")};
    std::vector<scene<queued>::op*> done;
    REQUIRE(s.b.submit(ops, done) == 0);
    s.disk->before_sync = [&](std::string const&) {
        REQUIRE(s.b.backend.reap(done, std::chrono::nanoseconds{0}) == 1);
    };
    s.sync();
    s.disk->before_sync = nullptr;
    CHECK(s.words() == words{"ab", "xb"});
    s.sync();
    CHECK(s.words() == words{"xb"});
}
TEST_CASE("crash_backend: of two writes in flight to a sector the last that arrives is newest") {
    auto const script = std::make_shared<queue_script>(
        queue_script::settings{.order = hand_out_order::reversed});
    scene<queued> s{{.inner = {}, .script = script}};
    s.resize(1);
    s.write(0, "a");
    s.sync();
    std::vector ops{s.write_op(0, "x", 1), s.write_op(0, "y", 2)};
    std::vector<scene<queued>::op*> done;
    REQUIRE(s.b.submit(ops, done) == 0);
    REQUIRE(s.b.backend.reap(std::span{done}.first(1), std::chrono::nanoseconds{0}) == 1);
    CHECK(done[0] == &ops[1]);
    s.sync();  // covers y; x may arrive or not
    CHECK(s.words() == words{"y", "x"});
    REQUIRE(s.b.backend.reap(done, std::chrono::nanoseconds{0}) == 1);
    CHECK(s.newest() == "x");
    CHECK(word(s.disk->states("f").state(0)) == "y");
    s.sync();
    CHECK(s.words() == words{"x"});
}
TEST_CASE("crash_backend: of a write that failed any sector may be old, new, or what is read") {
    auto const plan = std::make_shared<quire::testing::fault_plan>();
    scene<faulty> s{{.inner = {}, .faults = plan}};
    s.resize(2);
    s.write(0, "ab");
    s.sync();
    plan->add({.call = quire::testing::io_call::write,
               .what = quire::testing::io_fault::shortens,
               .error = EIO});
    CHECK(s.b.run({s.write_op(0, "xy")}) == std::vector<int>{EIO});
    CHECK(s.words() == words{"ab", "xb", "ay", "xy"});
    CHECK(s.newest() == "xb");
    s.sync();
    CHECK(s.words() == words{"xb"});
}
TEST_CASE("crash_backend: a sync that the inner backend refuses covers nothing") {
    auto const plan = std::make_shared<quire::testing::fault_plan>();
    scene<faulty> s{{.inner = {}, .faults = plan}};
    s.resize(1);
    s.sync();
    s.write(0, "a");
    plan->add({.call = quire::testing::io_call::sync, .error = EIO});
    CHECK(s.b.backend.sync(s.file) == EIO);
    CHECK(s.words() == words{".", "a"});
}
TEMPLATE_TEST_CASE("crash_backend: a write that is refused reaches no disk", "", memory, queued) {
    scene<TestType> s;
    s.resize(1);
    s.write(0, "a");
    s.sync();
    CHECK(s.b.run({s.write_op(0, "xy")}) == std::vector<int>{EFBIG});
    REQUIRE(s.b.backend.close(s.file) == 0);
    s.file = s.b.backend.open({"f", open_mode::read_only, {}, 512, false});
    CHECK(s.b.run({s.write_op(0, "x")}) == std::vector<int>{EBADF});
    CHECK(s.words() == words{"a"});
}

TEMPLATE_TEST_CASE("crash_backend: after a sync there is one state", "", memory, queued) {
    scene<TestType> s;
    s.resize(3);
    s.write(0, "abc");
    s.sync();
    CHECK(s.disk->states("f").count() == 1);
    CHECK(s.words() == words{"abc"});
}
TEMPLATE_TEST_CASE("crash_backend: unsynced sectors are there or not, each by itself", "", memory,
                   queued) {
    scene<TestType> s;
    s.resize(3);
    s.write(0, "abc");
    s.sync();
    s.write(1, "xy");
    CHECK(s.disk->states("f").count() == 4);
    CHECK(s.words() == words{"abc", "axc", "aby", "axy"});
}
TEST_CASE("crash_backend: a disk with sectors of a page's size tears no page") {
    scene<memory> s{{}, 1024};
    s.resize(4);
    REQUIRE(s.b.backend.sync(s.file) == 0);
    s.write(0, "ab");
    s.write(2, "cd");
    CHECK(s.words() == words{"....", "ab..", "..cd", "abcd"});
    s.write(1, "x");  // half a page: the rest is as it was written before
    CHECK(s.words() == words{"....", "ab..", "ax..", "..cd", "abcd", "axcd"});
    REQUIRE(s.b.backend.sync(s.file) == 0);
    CHECK(s.words() == words{"axcd"});
    s.disk->assign("g", bytes(1024, std::byte{'e'}));
    auto g = s.b.backend.open({"g", open_mode::read_write, {}, 1024, false});
    REQUIRE(s.b.backend.resize(g, 2048) == 0);
    CHECK(s.disk->states("g").count() == 2);
}

TEMPLATE_TEST_CASE("crash_backend: of two writes to a sector either may be the last", "", memory,
                   queued) {
    scene<TestType> s;
    s.resize(2);
    s.write(0, "ab");
    s.sync();
    s.write(0, "x");
    s.write(0, "y");
    CHECK(s.words() == words{"ab", "xb", "yb"});
    s.write(0, "x");  // the same again is no other state, but it is the newest
    CHECK(s.disk->states("f").count() == 3);
    CHECK(word(s.disk->states("f").state(2)) == "xb");
}
TEMPLATE_TEST_CASE("crash_backend: what is written again as it is durable is certain", "", memory,
                   queued) {
    scene<TestType> s;
    s.resize(3);
    s.write(0, "abc");
    s.sync();
    s.write(0, "axc");
    CHECK(s.disk->states("f").count() == 2);
    s.write(1, "b");  // back again, but x may have been the last to arrive
    CHECK(s.words() == words{"abc", "axc"});
    CHECK(word(s.disk->states("f").state(s.disk->states("f").count() - 1)) == "abc");
}
TEMPLATE_TEST_CASE("crash_backend: the first state is what is durable, the last what is seen", "",
                   memory, queued) {
    scene<TestType> s;
    s.resize(2);
    s.write(0, "ab");
    s.sync();
    s.write(0, "x");
    s.write(0, "yz");
    s.resize(1);
    s.resize(4);
    s.write(3, "q");
    auto const states = s.disk->states("f");
    CHECK(word(states.state(0)) == "ab");
    CHECK(word(states.state(states.count() - 1)) == "y..q");
}
TEMPLATE_TEST_CASE("crash_backend: a file that grew has its old size or its new one", "", memory,
                   queued) {
    scene<TestType> s;
    s.resize(1);
    s.write(0, "a");
    s.sync();
    s.resize(2);
    CHECK(s.words() == words{"a", "a."});
    s.write(1, "b");
    CHECK(s.words() == words{"a", "a.", "ab"});
}
TEMPLATE_TEST_CASE("crash_backend: so has one that was cut, and what grows is old, new or zero",
                   "", memory, queued) {
    scene<TestType> s;
    s.resize(2);
    s.write(0, "ab");
    s.sync();
    s.resize(1);
    CHECK(s.words() == words{"a", "ab"});
    s.resize(2);
    CHECK(s.words() == words{"a", "ab", "a."});
    s.write(1, "c");
    CHECK(s.words() == words{"a", "ab", "a.", "ac"});
    s.sync();
    CHECK(s.words() == words{"ac"});
}
TEMPLATE_TEST_CASE("crash_backend: what a sync makes durable can be looked at before it does", "",
                   memory, queued) {
    scene<TestType> s;
    std::vector<std::set<std::string>> before;
    s.disk->before_sync = [&](std::string const& name) {
        CHECK(name == "f");
        before.push_back(s.words());
    };
    s.resize(1);
    s.write(0, "a");
    s.sync();
    s.write(0, "b");
    s.sync();
    CHECK(before == std::vector<std::set<std::string>>{{"", ".", "a"}, {"a", "b"}});
}
TEMPLATE_TEST_CASE("crash_backend: what is written while a sync is under way is not covered by it",
                   "", memory, queued) {
    scene<TestType> s;
    s.resize(2);
    s.write(0, "ab");
    s.sync();
    s.write(0, "x");
    s.disk->before_sync = [&](std::string const&) {
        s.disk->before_sync = nullptr;
        s.write(1, "y");
        s.write(0, "x");  // again, and not newer than what the sync covers
        s.resize(3);
    };
    s.sync();
    CHECK(s.words() == words{"xb", "xy", "xb.", "xy."});
    s.sync();
    CHECK(s.words() == words{"xy."});
}
TEMPLATE_TEST_CASE("crash_backend: a transfer that is no whole sector leaves the rest of it", "",
                   memory, queued) {
    scene<TestType> s;
    REQUIRE(s.b.backend.resize(s.file, 1000) == 0);
    s.write(0, "a");
    s.sync();
    std::ranges::fill(s.b.frame(1), std::byte{'x'});
    auto const part = s.b.frame(1).first(100);
    CHECK(s.b.run({{io_verb::write, &s.file, 450, part, -77}}) == std::vector<int>{0});
    auto const states = s.disk->states("f");
    REQUIRE(states.count() == 4);
    auto const newest = states.state(3);
    CHECK(newest.size() == 1000);
    CHECK(std::ranges::count(newest, std::byte{'a'}) == 450);
    CHECK(std::ranges::count(newest, std::byte{'x'}) == 100);
    CHECK(newest[549] == std::byte{'x'});
    REQUIRE(s.b.backend.resize(s.file, 500) == 0);
    REQUIRE(s.b.backend.resize(s.file, 600) == 0);
    auto const cut = s.disk->states("f");
    auto const grown = cut.state(cut.count() - 1);
    CHECK(grown.size() == 600);
    CHECK(std::ranges::count(grown, std::byte{'a'}) == 450);
    CHECK(std::ranges::count(grown, std::byte{'x'}) == 50);
    CHECK(std::ranges::count(grown, std::byte{}) == 100);
}
TEST_CASE("crash_backend: a disk begins as assigned, and all its files crash at once") {
    auto const disk = std::make_shared<crash_disk>();
    disk->assign("f", bytes(512, std::byte{'a'}));
    quire_test::bench<crash_backend> b{{disk}, 4};
    auto file = b.backend.open({"f", open_mode::read_write, {}, 512, false});
    auto other = b.backend.open({"g", open_mode::open_or_create, {}, 512, false});
    CHECK(file.size() == 512);
    REQUIRE(b.backend.resize(other, 512) == 0);
    auto const states = disk->states();
    CHECK(states.size() == 2);
    CHECK(states.at("f").count() == 1);
    CHECK(word(states.at("f").state(0)) == "a");
    CHECK(states.at("g").count() == 2);
}
TEMPLATE_TEST_CASE("crash_backend: a sync that lies makes nothing durable", "", memory, queued) {
    scene<TestType> s;
    s.disk->sync_lies = true;
    s.resize(1);
    s.write(0, "a");
    s.sync();
    CHECK(s.words() == words{"", ".", "a"});
}
TEMPLATE_TEST_CASE("crash_backend: states are chosen one sector at a time", "", memory, queued) {
    scene<TestType> s;
    s.resize(2);
    s.sync();
    s.write(0, "ab");
    auto const states = s.disk->states("f");
    std::vector<std::uint64_t> asked;
    auto const made = states.state_by([&](std::uint64_t choices) {
        asked.push_back(choices);
        return choices - 1;
    });
    CHECK(asked == std::vector<std::uint64_t>{1, 2, 2});
    CHECK(word(made) == "ab");
}
TEMPLATE_TEST_CASE("crash_backend: more states than a number holds are as many as it holds", "",
                   memory, queued) {
    scene<TestType> s;
    s.resize(8);
    s.sync();
    s.write(0, "aaaaaaaa");
    for (char letter = 'b'; letter <= 'z'; ++letter) { s.write(0, std::string(8, letter)); }
    CHECK(s.disk->states("f").count() == 282'429'536'481);  // 27 ^ 8
    s.resize(64);
    for (std::uint64_t at = 8; at < 64; at += 8) { s.write(at, "abcdefgh"); }
    CHECK(s.disk->states("f").count() == ~std::uint64_t{0});
}
TEMPLATE_TEST_CASE("crash_backend: what survived is opened again, as it is", "", memory, queued) {
    scene<TestType> s;
    s.resize(1);
    s.write(0, "a");
    s.sync();
    s.write(0, "b");
    REQUIRE(s.b.backend.close(s.file) == 0);
    CHECK(s.words() == words{"a", "b"});
    s.file = s.b.backend.open({"f", open_mode::read_write, {}, 512, false});
    CHECK(s.words() == words{"a", "b"});  // closing syncs nothing
    s.sync();
    CHECK(s.words() == words{"b"});
}
