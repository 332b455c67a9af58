// SPDX-License-Identifier: BSL-1.0
#pragma once

/// conformance: what every file_backend must do, as sections of one test case.
///
/// `conforms<Backend>(options, path, io)` runs them on a backend whose files are named from `path`
/// on; a test case calls it once. The backend must complete its ops in `submit`.

#include <quire/io/file_backend.hpp>
#include <quire/memory/arena.hpp>

#include "catch.hpp"
#include "random.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace quire_test {

inline constexpr std::size_t page_bytes = 4096;

/// The error that `act` throws; a test failure when it throws none.
template <class Act>
quire::error error_of(Act act) {
    try {
        act();
    } catch (quire::error const& e) { return e; }
    FAIL("no error was thrown");
    throw std::logic_error{"not reached"};
}

/// A backend, its arena, and short ways to use them.
template <quire::file_backend Backend>
class bench {
public:
    using file = typename Backend::file;
    using op = quire::io_op<file>;

    explicit bench(typename Backend::options const& options = {}, std::size_t frames = 300)
        : frames_{frames, page_bytes, quire::huge_pages::off},
          backend{frames_.bytes(), options} {}

    [[nodiscard]] std::span<std::byte> frame(std::size_t f) const {
        return frames_.frame(static_cast<quire::frame_no>(f));
    }

    /// An op on page `page` with frame `f`, with a result that is certainly stale.
    [[nodiscard]] op page_op(quire::io_verb verb, file& of, std::uint64_t page,
                             std::size_t f) const {
        return {verb, &of, page * page_bytes, frame(f), -77, false};
    }

    /// Does the ops, and returns their errors.
    std::vector<int> run(std::vector<op> ops) {
        backend.submit(ops);
        std::vector<int> errors;
        for (auto const& each : ops) {
            REQUIRE(each.complete);
            errors.push_back(each.error);
        }
        return errors;
    }
    int read(file& of, std::uint64_t page, std::size_t f) {
        return run({page_op(quire::io_verb::read, of, page, f)})[0];
    }
    int write(file& of, std::uint64_t page, std::size_t f) {
        return run({page_op(quire::io_verb::write, of, page, f)})[0];
    }
    /// The page as it stands in the file, read into frame 0.
    std::vector<std::byte> content(file& of, std::uint64_t page) {
        std::ranges::fill(frame(0), std::byte{0x5A});
        REQUIRE(read(of, page, 0) == 0);
        return {frame(0).begin(), frame(0).end()};
    }

private:
    quire::arena frames_;

public:
    Backend backend;
};

inline bool is_zero(std::span<std::byte const> bytes) {
    return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

template <quire::file_backend Backend>
void conforms(typename Backend::options const& options, std::string const& path,
              quire::io_mode io) {
    using quire::errc;
    using quire::io_verb;
    using quire::open_mode;
    constexpr auto read = io_verb::read;
    constexpr auto write = io_verb::write;

    bench<Backend> b{options};
    auto& backend = b.backend;
    auto const open = [&](open_mode mode, std::string const& suffix = "") {
        return backend.open({path + suffix, mode, io, page_bytes, false});
    };
    test_random random;

    SECTION("what is missing is refused or made - as the mode says") {
        for (auto mode : {open_mode::read_only, open_mode::read_write}) {
            auto const e = error_of([&] { static_cast<void>(open(mode)); });
            CHECK(e.code() == errc::open_failed);
            CHECK(e.system_errno() == ENOENT);
            CHECK(e.operation().find(path) != std::string::npos);
        }
        for (auto mode : {open_mode::create, open_mode::create_new}) {
            auto const suffix = std::to_string(static_cast<int>(mode));
            auto file = open(mode, suffix);
            CHECK(file.size() == 0);
            CHECK(file.writable());
            CHECK(backend.close(file) == 0);
        }
    }

    SECTION("what exists is opened as it is and is not new") {
        auto file = open(open_mode::create);
        REQUIRE(backend.resize(file, 2 * page_bytes) == 0);
        random.fill(b.frame(1));
        REQUIRE(b.write(file, 1, 1) == 0);
        REQUIRE(backend.close(file) == 0);

        auto const e = error_of([&] { static_cast<void>(open(open_mode::create_new)); });
        CHECK(e.code() == errc::open_failed);
        CHECK(e.system_errno() == EEXIST);
        for (auto mode : {open_mode::read_only, open_mode::read_write, open_mode::create}) {
            auto again = open(mode);
            CHECK(again.size() == 2 * page_bytes);
            CHECK(again.writable() == (mode != open_mode::read_only));
            CHECK(std::ranges::equal(b.content(again, 1), b.frame(1)));
            CHECK(is_zero(b.content(again, 0)));
            CHECK(backend.close(again) == 0);
        }
    }

    SECTION("one writer or any number of readers") {
        auto made = open(open_mode::create);
        auto const locked = [&](open_mode mode) {
            return error_of([&] { static_cast<void>(open(mode)); }).kind();
        };
        for (auto mode : {open_mode::read_only, open_mode::read_write, open_mode::create}) {
            CHECK(locked(mode) == errc::file_locked);
        }
        auto other = open(open_mode::create, "-other");  // of another file
        CHECK(backend.close(other) == 0);
        CHECK(backend.close(made) == 0);

        auto one = open(open_mode::read_only);
        auto two = open(open_mode::read_only);
        CHECK(locked(open_mode::read_write) == errc::file_locked);
        CHECK(backend.close(one) == 0);
        CHECK(locked(open_mode::create) == errc::file_locked);
        CHECK(backend.close(two) == 0);
        auto writer = open(open_mode::read_write);
        CHECK(locked(open_mode::read_only) == errc::file_locked);
        CHECK(backend.close(writer) == 0);
        CHECK(backend.close(writer) == 0);  // and has nothing left to give back
        auto last = open(open_mode::read_only);
        CHECK(backend.close(last) == 0);
    }

    SECTION("a size goes up with zeros and down again") {
        auto file = open(open_mode::create);
        CHECK(backend.resize(file, 0) == 0);
        for (std::size_t pages : {1U, 7U, 7U, 8U}) {
            REQUIRE(backend.resize(file, pages * page_bytes) == 0);
            REQUIRE(file.size() == pages * page_bytes);
            CHECK(is_zero(b.content(file, pages - 1)));
        }
        std::ranges::fill(b.frame(1), std::byte{0xFF});
        for (std::size_t page = 0; page < 8; ++page) { REQUIRE(b.write(file, page, 1) == 0); }
        CHECK(backend.resize(file, 3 * page_bytes) == 0);
        CHECK(file.size() == 3 * page_bytes);
        CHECK(b.content(file, 2)[0] == std::byte{0xFF});
        CHECK(b.read(file, 3, 0) == quire::io_ended);
        CHECK(backend.resize(file, 8 * page_bytes) == 0);
        for (std::size_t page = 3; page < 8; ++page) { CHECK(is_zero(b.content(file, page))); }
        CHECK(b.content(file, 2)[0] == std::byte{0xFF});
        CHECK(backend.resize(file, 0) == 0);
        CHECK(file.size() == 0);
        CHECK(backend.close(file) == 0);
    }

    SECTION("a size that cannot be had leaves the size") {
        auto file = open(open_mode::create);
        REQUIRE(backend.resize(file, 2 * page_bytes) == 0);
        random.fill(b.frame(1));
        REQUIRE(b.write(file, 1, 1) == 0);
        CHECK(backend.resize(file, (std::uint64_t{1} << 63) + page_bytes) != 0);
        CHECK(file.size() == 2 * page_bytes);
        CHECK(std::ranges::equal(b.content(file, 1), b.frame(1)));
        CHECK(backend.close(file) == 0);
    }

    SECTION("pages come back as they were written - neighbours and strangers") {
        constexpr std::size_t pages = 200;  // more than travel in one call
        auto file = open(open_mode::create);
        auto other = open(open_mode::create, "-other");
        REQUIRE(backend.resize(file, 2 * pages * page_bytes) == 0);
        REQUIRE(backend.resize(other, 260 * page_bytes) == 0);
        std::vector<typename bench<Backend>::op> ops;
        for (std::size_t p = 0; p < pages; ++p) {
            random.fill(b.frame(1 + p));
            auto const gaps = p < 150 ? 0 : p - 149;  // neighbours, then none
            ops.push_back(b.page_op(write, file, p + gaps, 1 + p));
        }
        for (std::size_t p = 0; p < 10; ++p) {  // at the offset where the one before ends
            random.fill(b.frame(1 + pages + p));
            ops.push_back(b.page_op(write, other, 250 + p, 1 + pages + p));
        }
        CHECK(b.run(ops) == std::vector<int>(ops.size(), 0));
        CHECK(backend.sync(file) == 0);
        for (std::size_t p = 0; p < pages; ++p) {
            auto const gaps = p < 150 ? 0 : p - 149;
            REQUIRE(std::ranges::equal(b.content(file, p + gaps), b.frame(1 + p)));
        }
        for (std::size_t p = 0; p < 10; ++p) {
            REQUIRE(std::ranges::equal(b.content(other, 250 + p), b.frame(1 + pages + p)));
        }
        CHECK(is_zero(b.content(file, 152)));  // a gap

        // The same at once, into frames in another order.
        std::vector<std::vector<std::byte>> expected;
        for (std::size_t p = 0; p < 150; ++p) {
            expected.emplace_back(b.frame(1 + p).begin(), b.frame(1 + p).end());
        }
        std::vector<typename bench<Backend>::op> reads;
        for (std::size_t p = 0; p < 150; ++p) {
            reads.push_back(b.page_op(read, file, p, 1 + (p * 7) % 150));
        }
        CHECK(b.run(reads) == std::vector<int>(150, 0));
        for (std::size_t p = 0; p < 150; ++p) {
            REQUIRE(std::ranges::equal(b.frame(1 + (p * 7) % 150), expected[p]));
        }
        CHECK(backend.close(file) == 0);
        CHECK(backend.close(other) == 0);
    }

    SECTION("reads and writes of one batch keep apart") {
        auto file = open(open_mode::create);
        REQUIRE(backend.resize(file, 4 * page_bytes) == 0);
        random.fill(b.frame(1));
        random.fill(b.frame(3));
        REQUIRE(b.write(file, 2, 3) == 0);
        std::ranges::fill(b.frame(2), std::byte{1});
        CHECK(b.run({b.page_op(write, file, 1, 1), b.page_op(read, file, 2, 2),
                     b.page_op(write, file, 3, 1)}) == std::vector<int>{0, 0, 0});
        CHECK(std::ranges::equal(b.frame(2), b.frame(3)));
        CHECK(std::ranges::equal(b.content(file, 1), b.frame(1)));
        CHECK(std::ranges::equal(b.content(file, 2), b.frame(3)));
        CHECK(std::ranges::equal(b.content(file, 3), b.frame(1)));
        CHECK(backend.close(file) == 0);
    }

    SECTION("an op past the end says so and its neighbours are as they should be") {
        auto file = open(open_mode::create);
        REQUIRE(backend.resize(file, 3 * page_bytes) == 0);
        for (std::size_t p = 0; p < 3; ++p) {
            random.fill(b.frame(10 + p));
            REQUIRE(b.write(file, p, 10 + p) == 0);
        }
        std::vector<typename bench<Backend>::op> ops;
        for (std::size_t p = 0; p < 6; ++p) { ops.push_back(b.page_op(read, file, p, 1 + p)); }
        CHECK(b.run(ops) ==
              std::vector<int>{0, 0, 0, quire::io_ended, quire::io_ended, quire::io_ended});
        for (std::size_t p = 0; p < 3; ++p) {
            CHECK(std::ranges::equal(b.frame(1 + p), b.frame(10 + p)));
        }
        CHECK(b.read(file, std::uint64_t{1} << 40, 0) == quire::io_ended);
        CHECK(file.size() == 3 * page_bytes);
        CHECK(backend.close(file) == 0);
    }

    SECTION("a page of which the file has only a part is ended too") {
        auto file = open(open_mode::create);
        for (std::size_t tail : {1U, 511U, 512U, 1000U, 4095U}) {
            REQUIRE(backend.resize(file, 2 * page_bytes) == 0);
            REQUIRE(backend.resize(file, page_bytes + tail) == 0);
            CAPTURE(tail);
            CHECK(b.run({b.page_op(read, file, 0, 1), b.page_op(read, file, 1, 2)}) ==
                  std::vector<int>{0, quire::io_ended});
            CHECK(b.read(file, 1, 1) == quire::io_ended);
        }
        CHECK(backend.close(file) == 0);
    }

    SECTION("a file opened for reading refuses writes and sizes") {
        auto file = open(open_mode::create);
        REQUIRE(backend.resize(file, 2 * page_bytes) == 0);
        REQUIRE(backend.close(file) == 0);
        auto reading = open(open_mode::read_only);
        random.fill(b.frame(1));
        auto const errors =
            b.run({b.page_op(write, reading, 0, 1), b.page_op(write, reading, 1, 1)});
        for (int e : errors) { CHECK(e > 0); }
        CHECK(is_zero(b.content(reading, 0)));
        for (std::size_t pages : {0U, 1U, 5U}) {
            CHECK(backend.resize(reading, pages * page_bytes) != 0);
            CHECK(reading.size() == 2 * page_bytes);
        }
        CHECK(backend.close(reading) == 0);
    }

    SECTION("a synchronous backend has nothing to reap and takes an empty batch") {
        CHECK(backend.reap(std::chrono::nanoseconds{0}) == 0);
        auto const begin = std::chrono::steady_clock::now();
        CHECK(backend.reap(std::chrono::seconds{10}) == 0);
        CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{5});
        CHECK(b.run({}).empty());
    }

    SECTION("a moved file is the file") {
        auto from = open(open_mode::create);
        REQUIRE(backend.resize(from, page_bytes) == 0);
        auto to = std::move(from);
        CHECK(to.size() == page_bytes);
        CHECK(to.writable());
        CHECK(b.write(to, 0, 1) == 0);
        CHECK(error_of([&] { static_cast<void>(open(open_mode::read_only)); }).kind() ==
              errc::file_locked);
        CHECK(backend.close(to) == 0);
        auto again = open(open_mode::read_only);
        CHECK(backend.close(again) == 0);
    }
}

}  // namespace quire_test
