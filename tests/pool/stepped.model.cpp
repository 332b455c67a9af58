// SPDX-License-Identifier: BSL-1.0

/// Two operations of two threads, one before each instruction of the other (stepper.hpp). After
/// each pair the pool's frames, entries and counts agree, no update is lost, and the file gets all.

#include <quire/pool/buffer_pool.hpp>

#include <quire/evict/clock.hpp>
#include <quire/io/memory_backend.hpp>

#include "catch.hpp"
#include "figures.hpp"
#include "pool/consistent.hpp"
#include "pool/stamped.hpp"
#include "stepper.hpp"

#include <array>
#include <string>

using namespace std::chrono_literals;
using quire::errc;

#if !defined(QUIRE_TEST_CANNOT_STEP)

namespace {

using pool_type =
    quire::buffer_pool<512, quire::clock, quire::hybrid_latch, quire::memory_backend>;
using file_type = pool_type::file;

/// A file of four pages, and how often each was written.
struct scene {
    static constexpr std::uint64_t pages = 4;

    explicit scene(std::size_t frames)
        : pool{{.frames = frames, .files_max = 1, .file_pages_max = 64, .wait_max = 60s,
                .frame_wait_max = 60s}},
          file{pool.open("f", quire::open_mode::open_or_create)} {
        for (std::uint64_t no = 0; no < pages; ++no) { file.append().release(); }
        file.flush();
    }

    // Each does what its name says, and notes what must not be.
    void read(std::uint64_t no) {
        guarded([&] {
            auto const page = file.read(no);
            see(no, quire_test::stamp_of(*page));
        });
    }
    void look(std::uint64_t no) {
        guarded([&] {
            see(no, file.optimistic_read(no, [](auto const& page) {
                auto const front = page.bytes().template load<std::uint64_t>(16);
                auto const back = page.bytes().template load<std::uint64_t>(504);
                return front == back ? std::optional{front} : std::nullopt;
            }));
        });
    }
    void write(std::uint64_t no) {
        guarded([&] {
            auto page = file.write(no);
            auto const before = quire_test::stamp_of(page.view());
            auto const version = ++written[no];
            if (before != version - 1) { complain("an update was lost"); }
            quire_test::stamp(*page, version);
            page->bytes().store<std::uint64_t>(504, version);
        });
    }
    void flush() {
        guarded([&] { file.flush(); });
    }
    void append() {
        guarded([&] { file.append().release(); });
    }
    void format(std::uint64_t no) {
        guarded([&] {
            auto page = file.format(no);
            quire_test::stamp(*page, written[no]);  // as it was
            page->bytes().store<std::uint64_t>(504, written[no]);
        });
    }
    void discard(std::uint64_t no) {
        guarded([&] { file.discard(no); });
    }
    void truncate(std::uint64_t count) {
        guarded([&] { file.truncate(count); });
    }
    void pin(std::uint64_t no) {
        guarded([&] {
            auto const held = file.pin(no);
            if (!file.slot().pages->load(no).is_frame()) { complain("a pinned page has left"); }
        });
    }
    void forget_all() {
        for (std::uint64_t no = 0; no < file.pages(); ++no) { discard(no); }
    }

    void check() {
        std::array<std::optional<file_type>, 1> const files{file};
        quire_test::expect_consistent(file.core(), files, 0);
    }
    /// And through the file.
    void check_all() {
        check();
        for (int round = 0; round < 2; ++round) {
            for (std::uint64_t no = 0; no < file.pages(); ++no) { read_newest(no); }
            file.flush();
            forget_all();
        }
    }
    /// Nobody is writing: every update is there.
    void read_newest(std::uint64_t no) {
        guarded([&] {
            auto const page = file.read(no);
            if (quire_test::stamp_of(*page) != written[no]) { complain("an update is not there"); }
        });
    }
    void complain(std::string const& what) {
        if (++wrong == 1) { first_wrong = what; }
    }

    pool_type pool;
    file_type file;
    std::array<std::atomic<std::uint64_t>, 64> written{};
    std::atomic<int> wrong{0};
    std::string first_wrong;

private:
    template <class Act>
    void guarded(Act act) {
        try {
            act();
        } catch (quire::error const& e) {
            bool const known = e.kind() == errc::page_out_of_range || e.kind() == errc::in_use ||
                               e.kind() == errc::blank_page;
            if (!known) { complain(e.what()); }
        }
    }
    void see(std::uint64_t no, std::optional<std::uint64_t> version) {
        if (!version) {
            complain("a torn page");
        } else if (*version > written[no]) {
            complain("a version that nobody wrote");
        }
    }
};

/// `act` with `meanwhile` before each of its instructions (about a hundred of them when the form is
/// not the long one), from what `before` makes of the scene; then `after` and `check_all`.
template <class Before, class Act, class Meanwhile, class After>
void at_every_instruction(std::size_t frames, Before before, Act act, Meanwhile meanwhile,
                          After after) {
    scene s{frames};
    quire_test::stepper step;
    before(s);
    auto const instructions = step.count([&] { act(s); });
    s.check_all();
    auto const stride = quire_test::amount(instructions / 100 + 1, 1);
    std::uint64_t met = 0;
    for (std::uint64_t n = 0; n < instructions && s.wrong == 0; n += stride) {
        before(s);
        bool const now = step.between([&] { act(s); }, [&] { meanwhile(s); }, n);
        met += now ? 1U : 0U;
        try {
            if (now) { after(s); }
            s.check_all();
        } catch (std::exception const& e) { s.complain(e.what()); }
        INFO("before instruction " << n << ": " << s.first_wrong);
        CHECK(s.wrong == 0);
    }
    std::cout << met << " times another thread came, " << step.in_time() << " times to the end\n";
    quire_test::figure("instructions that another thread came before", met);
    CHECK(met > 20);
    CHECK(step.in_time() > 5);
}
template <class Before, class Act, class Meanwhile>
void at_every_instruction(std::size_t frames, Before before, Act act, Meanwhile meanwhile) {
    at_every_instruction(frames, before, act, meanwhile, [](scene&) {});
}

void forget(scene& s) { s.forget_all(); }
void refill(scene& s) {
    while (s.file.pages() < scene::pages) {
        auto const no = s.file.pages();
        s.written[no] = 0;
        s.append();
    }
    s.file.flush();
    s.forget_all();
}

}  // namespace

TEST_CASE("stepped: a page that two threads miss is read once", "[long][step]") {
    std::uint64_t before = 0;
    at_every_instruction(
        4,
        [&](scene& s) {
            s.forget_all();
            before = s.file.stats().misses;
        },
        [](scene& s) { s.read(0); }, [](scene& s) { s.read(0); },
        [&](scene& s) {
            if (s.file.stats().misses != before + 1) { s.complain("it was read twice"); }
        });
}
TEST_CASE("stepped: a miss takes a frame, and somebody wants its page", "[long][step]") {
    at_every_instruction(
        2, [](scene& s) { s.read(0), s.read(1); }, [](scene& s) { s.read(2); },
        [](scene& s) { s.read(0), s.read(1); });
}
TEST_CASE("stepped: a miss takes a frame, and somebody writes its page", "[long][step]") {
    at_every_instruction(
        1, [](scene& s) { s.write(0); }, [](scene& s) { s.read(1); },
        [](scene& s) { s.write(0); });
}
TEST_CASE("stepped: a hit, and its page leaves and comes back", "[long][step]") {
    at_every_instruction(
        1, [](scene& s) { s.read(0); }, [](scene& s) { s.write(0); },
        [](scene& s) { s.read(1), s.write(0), s.read(2); });
}
TEST_CASE("stepped: a look without the latch, and a writer", "[long][step]") {
    at_every_instruction(
        1, [](scene& s) { s.read(0); }, [](scene& s) { s.look(0); },
        [](scene& s) { s.write(0); });
}
TEST_CASE("stepped: a look without the latch, and its page leaves and comes back",
          "[long][step]") {
    at_every_instruction(
        1, [](scene& s) { s.read(0); }, [](scene& s) { s.look(0); },
        [](scene& s) { s.write(1), s.write(0); });
}
TEST_CASE("stepped: a flush, and a writer", "[long][step]") {
    at_every_instruction(
        4, [](scene& s) { s.write(0), s.write(1); }, [](scene& s) { s.flush(); },
        [](scene& s) { s.write(0); });
}
TEST_CASE("stepped: a writer, and a flush", "[long][step]") {
    at_every_instruction(
        4, [](scene& s) { s.write(0); }, [](scene& s) { s.write(0); },
        [](scene& s) { s.flush(); });
}
TEST_CASE("stepped: a page is made anew, and somebody reads it", "[long][step]") {
    at_every_instruction(
        4, forget, [](scene& s) { s.format(0); }, [](scene& s) { s.read(0); });
}
TEST_CASE("stepped: a page is made anew, and the file is cut", "[long][step]") {
    at_every_instruction(
        4, refill, [](scene& s) { s.format(2); }, [](scene& s) { s.truncate(1); });
}
TEST_CASE("stepped: a page is read, and the file is cut", "[long][step]") {
    at_every_instruction(
        4, refill, [](scene& s) { s.read(2); }, [](scene& s) { s.truncate(1); });
}
TEST_CASE("stepped: the file is cut, and a page is read", "[long][step]") {
    at_every_instruction(
        4, refill, [](scene& s) { s.truncate(1); }, [](scene& s) { s.read(2); });
}
TEST_CASE("stepped: the file is cut, and grows", "[long][step]") {
    at_every_instruction(
        4, refill, [](scene& s) { s.truncate(1); }, [](scene& s) { s.append(); },
        [](scene& s) {
            for (auto no = s.file.pages() - 1; no > 0; --no) { s.written[no] = 0; }
        });
}
TEST_CASE("stepped: two pages are appended", "[long][step]") {
    at_every_instruction(
        4, [](scene& s) { s.truncate(2), refill(s); }, [](scene& s) { s.append(); },
        [](scene& s) { s.append(); },
        [](scene& s) {
            if (s.file.pages() != scene::pages + 2) { s.complain("a page is missing"); }
        });
}
TEST_CASE("stepped: a page is forgotten, and somebody reads it", "[long][step]") {
    at_every_instruction(
        4, [](scene& s) { s.read(0); }, [](scene& s) { s.discard(0); },
        [](scene& s) { s.read(0); });
}
TEST_CASE("stepped: a page is pinned, and somebody wants its frame", "[long][step]") {
    at_every_instruction(
        1, [](scene& s) { s.read(0); }, [](scene& s) { s.pin(0); },
        [](scene& s) { s.read(1); });
}

#else

TEST_CASE("stepped: one operation before each instruction of another") {
    skip("no single steps here");
}

#endif
