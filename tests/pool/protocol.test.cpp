// SPDX-License-Identifier: BSL-1.0

/// The frame protocol's breaking interleavings, each as a deterministic test: for every rule of
/// pool/frame.hpp and pool/detail/pool_core.hpp, what would happen if it were left out.

#include <quire/pool/buffer_pool.hpp>

#include "doubles.hpp"

#include <quire/evict/clock.hpp>
#include <quire/io/memory_backend.hpp>

#include "catch.hpp"
#include "calls.hpp"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <future>
#include <thread>

using namespace quire_test;
using namespace std::chrono_literals;
using quire::access_options;
using quire::errc;
using quire::io_verb;

namespace {

constexpr std::size_t size = 512;  // bytes of a page

template <class Latch>
using scripted_pool = quire::buffer_pool<size, told_policy, Latch, gated_backend>;
using pool_type = scripted_pool<hooked_latch<true>>;

/// A pool over a fresh store, and its script.
template <class Pool = pool_type>
struct setting {
    explicit setting(std::size_t frames, quire::log_hook log = {},
                     std::chrono::nanoseconds frame_wait_max = 20ms)
        : pool{{.frames = frames,
                .wait_max = 5s,
                .frame_wait_max = frame_wait_max,
                .durable = std::move(log),
                .backend = io}} {
        policy_orders::current() = {};
        latch_hooks::of_this_thread() = {};
    }
    ~setting() {
        policy_orders::current() = {};
        latch_hooks::of_this_thread() = {};
    }

    /// A file of `pages` pages, each with its number at offset 64, nothing resident.
    auto make_file(std::uint64_t pages) {
        {
            Pool maker{{.frames = 4, .backend = io}};
            auto file = maker.open("f", quire::open_mode::open_or_create);
            for (std::uint64_t i = 0; i < pages; ++i) {
                auto page = file.append();
                page->bytes().template store<std::uint64_t>(64, i);
            }
            file.close();
        }
        io.script->fail(io_verb::read, 0, 0, 0);
        return pool.open("f");
    }

    gated_backend::options io{};
    io_script& script = *io.script;
    Pool pool;
};

/// The eight bytes at 64 of page `no` as they are in the file.
std::uint64_t number_in_store(gated_backend::options const& io, std::uint64_t no) {
    auto const bytes = io.store->bytes("f");
    return quire::load_le<std::uint64_t>(bytes.data() + no * size + 64);
}

bool sealed_in_store(gated_backend::options const& io, std::uint64_t no) {
    auto const bytes = io.store->bytes("f");
    return quire::crc_seal.check(std::span{bytes}.subspan(no * size, size),
                                 {quire::file_no{0}, no}, 0) == quire::page_state::good;
}

/// Holds a page for a moment.
template <class Guard>
void use_page(Guard const& guard) {
    static_cast<void>(guard.id());
}

/// A page kind whose format writes four bytes.
template <class Byte, std::size_t PageSize>
class sparse_page {
public:
    explicit sparse_page(std::span<Byte, PageSize> bytes) noexcept : bytes_{bytes} {}
    static void format(std::span<std::byte, PageSize> bytes, quire::page_no) noexcept {
        quire::store_le<std::uint32_t>(bytes.data() + 12, 7);
    }
    static bool accepts(std::span<std::byte const, PageSize> bytes) noexcept {
        return quire::load_le<std::uint32_t>(bytes.data() + 12) == 7;
    }
    [[nodiscard]] std::span<std::byte const, PageSize> bytes() const noexcept { return bytes_; }

private:
    std::span<Byte, PageSize> bytes_;
};

template <class Stats>
void wait_for_waiters(Stats const& of, std::uint64_t count) {
    while (of.stats().waits < count) { std::this_thread::sleep_for(1ms); }
    std::this_thread::sleep_for(5ms);  // from the count to the condition variable
}

}  // namespace

TEST_CASE("protocol: a frame recycled between look-up and latch is not believed") {
    setting s{1};
    auto file = s.make_file(2);
    CHECK(number_on(file, 0) == 0);  // page 0 is in the one frame
    latch_hooks::of_this_thread().before_shared = [&] {
        CHECK(number_on(file, 1) == 1);  // now page 1 is in it
    };
    CHECK(number_on(file, 0) == 0);
    CHECK(s.script.count(io_verb::read, 0) == 2);
}

TEST_CASE("protocol: a frame recycled before an exclusive latch is not believed either") {
    setting s{1};
    auto file = s.make_file(2);
    CHECK(number_on(file, 0) == 0);
    latch_hooks::of_this_thread().before_exclusive = [&] { CHECK(number_on(file, 1) == 1); };
    write_number(file, 0, 70);
    CHECK(number_on(file, 0) == 70);
    CHECK(number_on(file, 1) == 1);
}

TEST_CASE("protocol: two threads that miss one page read it once and evict one page") {
    setting s{2};
    auto file = s.make_file(3);
    CHECK(number_on(file, 0) == 0);
    CHECK(number_on(file, 1) == 1);
    s.script.hold(io_verb::read, 2 * size);
    auto winner = std::async(std::launch::async, [&] { return number_on(file, 2); });
    s.script.wait_until_held();
    auto loser = std::async(std::launch::async, [&] { return number_on(file, 2); });
    wait_for_waiters(file, 1);
    CHECK(file.stats().evictions == 1);
    s.script.let_go();
    CHECK(winner.get() == 2);
    CHECK(loser.get() == 2);
    CHECK(s.script.count(io_verb::read, 2 * size) == 1);
    CHECK(file.stats().evictions == 1);
}

TEST_CASE("protocol: who waited for a load finds the page, whatever is evicted meanwhile") {
    setting s{2};
    auto file = s.make_file(4);
    s.script.hold(io_verb::read, 0);
    auto winner = std::async(std::launch::async, [&] { return number_on(file, 0); });
    s.script.wait_until_held();
    std::promise<void> published;
    auto loser = std::async(std::launch::async, [&] {
        latch_hooks::of_this_thread().before_shared = [&] {
            published.get_future().wait();
            std::async(std::launch::async, [&] {
                for (std::uint64_t no : {1U, 2U, 3U}) { number_on(file, no); }
            }).get();
        };
        return number_on(file, 0);
    });
    wait_for_waiters(file, 1);
    s.script.let_go();
    CHECK(winner.get() == 0);
    published.set_value();
    CHECK(loser.get() == 0);
    CHECK(s.script.count(io_verb::read, 0) == 1);
}

TEST_CASE("protocol: eviction sees the update of a write guard that just ended") {
    setting s{1};
    auto file = s.make_file(2);
    CHECK(number_on(file, 0) == 0);  // clean: a candidate
    latch_hooks::of_this_thread().before_evict = [&] { write_number(file, 0, 70); };
    CHECK(number_on(file, 1) == 1);  // evicts page 0, after writing it back
    CHECK(number_in_store(s.io, 0) == 70);
    CHECK(number_on(file, 0) == 70);
}

TEST_CASE("protocol: an evicted page is gone before its frame's latch is let go") {
    setting s{1};
    auto file = s.make_file(2);
    CHECK(number_on(file, 0) == 0);
    bool looked = false;
    latch_hooks::of_this_thread().before_evict = [&] {
        latch_hooks::of_this_thread().after_unlock = [&] {  // a visitor could come in now
            looked = true;
            auto const& frame = file.core().frames[quire::frame_no{0}];
            CHECK_FALSE(frame.holds({file.number(), 0}));
            CHECK(file.slot().pages->load(0) == quire::page_table::entry::absent());
        };
    };
    CHECK(number_on(file, 1) == 1);
    CHECK(looked);
}

TEST_CASE("protocol: a page that was pinned after it was proposed stays") {
    setting s{2};
    auto file = s.make_file(3);
    CHECK(number_on(file, 0) == 0);
    CHECK(number_on(file, 1) == 1);
    auto& latch = file.core().frames[quire::frame_no{0}].latch;
    latch_hooks::of_this_thread().before_evict = [&] {
        latch.lock_shared();
        latch.pin();
        latch.unlock_shared();
    };
    CHECK(number_on(file, 2) == 2);  // page 1 goes
    CHECK(file.core().frames[quire::frame_no{0}].holds({file.number(), 0}));
    latch.unpin();
}

TEST_CASE("protocol: a page is in the policy only when everybody can find it") {
    setting s{2};
    auto file = s.make_file(2);
    int inserted = 0;
    policy_orders::current().on_insert = [&](quire::frame_no frame) {
        ++inserted;
        auto const entry = file.slot().pages->load(0);
        CHECK(entry.is_frame());
        CHECK(entry.frame() == frame);
        CHECK(file.core().frames[frame].holds({file.number(), 0}));
    };
    CHECK(number_on(file, 0) == 0);
    CHECK(inserted == 1);
}

TEST_CASE("protocol: nobody finds a page before all of it has arrived") {
    setting s{2};
    auto file = s.make_file(2);
    s.script.hold(io_verb::read, 0);
    auto loader = std::async(std::launch::async, [&] { return number_on(file, 0); });
    s.script.wait_until_held();
    CHECK(file.slot().pages->load(0) == quire::page_table::entry::loading());
    CHECK(refusal([&] { number_on(file, 0, {.wait_max = 10ms}); }) == errc::timed_out);
    s.script.let_go();
    CHECK(loader.get() == 0);
}

TEST_CASE("protocol: who came by a stale entry does not see its page in half when it comes back") {
    setting s{1};
    auto file = s.make_file(2);
    CHECK(number_on(file, 0) == 0);
    std::future<std::uint64_t> loader;
    latch_hooks::of_this_thread().before_shared = [&] {
        CHECK(number_on(file, 1) == 1);  // page 0 has left its frame,
        s.script.hold(io_verb::read, 0);
        loader = std::async(std::launch::async, [&] { return number_on(file, 0); });
        s.script.wait_until_held();  // and is coming back into the same one
    };
    CHECK(refusal([&] { number_on(file, 0, {.wait_max = 10ms}); }) == errc::timed_out);
    REQUIRE(loader.valid());
    s.script.let_go();
    CHECK(loader.get() == 0);
    CHECK(number_on(file, 0) == 0);
}

TEST_CASE("protocol: append publishes a page only when the file has it") {
    setting s{4};
    auto file = s.make_file(2);
    s.script.during_resize = [&] {
        CHECK(file.pages() == 2);
        CHECK(refusal([&] { number_on(file, 2); }) == errc::page_out_of_range);
        auto other = std::async(std::launch::async, [&] { return number_on(file, 1); });
        CHECK(other.get() == 1);  // readers of other pages do not notice
    };
    {
        auto page = file.append();
        CHECK(page.id().page().value() == 2);
        CHECK(file.pages() == 3);
        page->bytes().store<std::uint64_t>(64, 2);
        auto other = std::async(std::launch::async, [&] {
            return refusal([&] { number_on(file, 2, {.wait_max = 10ms}); });
        });
        CHECK(other.get() == errc::timed_out);  // latched exclusively until the guard ends
    }
    CHECK(number_on(file, 2) == 2);
}

TEST_CASE("protocol: an append that fails leaves everything as it was") {
    setting s{1};
    auto file = s.make_file(2);
    s.script.fail_resize(ENOSPC);
    CHECK(refusal([&] { static_cast<void>(file.append()); }) == errc::grow_failed);
    CHECK(file.pages() == 2);
    CHECK(s.io.store->bytes("f").size() == 2 * size);
    CHECK(file.slot().pages->load(2) == quire::page_table::entry::absent());
    CHECK(refusal([&] { number_on(file, 2); }) == errc::page_out_of_range);
    CHECK(number_on(file, 1) == 1);  // the frame came back
    write_number(file, 0, 70);       // nothing counts as dirty that is not
    file.flush();
    auto page = file.append();
    CHECK(page.id().page().value() == 2);
}

TEST_CASE("protocol: close is refused while a page is held, and the file goes on") {
    setting s{2};
    auto file = s.make_file(2);
    write_number(file, 1, 71);
    {
        auto page = file.read(0);
        auto closer = std::async(std::launch::async,
                                 [&] { return refusal([&] { file.close(); }); });
        CHECK(closer.get() == errc::in_use);
        CHECK(file.is_open());
        CHECK(page->bytes().load<std::uint64_t>(64) == 0);
    }
    CHECK(number_on(file, 1) == 71);
    file.close();
    CHECK_FALSE(file.is_open());
    CHECK(number_in_store(s.io, 1) == 71);
}

TEST_CASE("protocol: a page that is being written is waited for, and is not in use") {
    setting s{1, {}, 5s};
    auto file = s.make_file(2);
    auto other = s.pool.open("g", quire::open_mode::open_or_create);
    { auto const page = other.append(); }
    other.flush();
    other.discard(0);
    write_number(file, 0, 5);
    s.script.hold(io_verb::write, 0);
    auto evicting = std::async(std::launch::async, [&] { return number_on(other, 0); });
    s.script.wait_until_held();
    auto removing = [&] {
        switch (GENERATE(0, 1, 2)) {
        case 0: return std::async(std::launch::async, [&] { file.discard(0); });
        case 1: return std::async(std::launch::async, [&] { file.truncate(0); });
        default:
            return std::async(std::launch::async, [&] { file.close(quire::unwritten::discard); });
        }
    }();
    CHECK(removing.wait_for(120ms) == std::future_status::timeout);
    s.script.let_go();
    CHECK_NOTHROW(removing.get());
    CHECK(evicting.get() == 0);
}

TEST_CASE("protocol: who looks again after a close does not read the file that came instead") {
    setting s{2};
    auto file = s.make_file(3);
    {
        auto other = s.pool.open("g", quire::open_mode::open_or_create);
        for (int i = 0; i < 3; ++i) { use_page(other.append()); }
        other.close();
    }
    auto another = file;
    CHECK(number_on(file, 0) == 0);
    latch_hooks::of_this_thread().before_shared = [&] {
        for (std::uint64_t const no : {1U, 2U, 0U}) { number_on(file, no); }  // another frame
        latch_hooks::of_this_thread().before_shared = [&] {
            file.close();
            another = s.pool.open("g");
        };
    };
    auto const handle = file;
    CHECK(refusal([&] { use_page(handle.read(0)); }) == errc::in_use);
    CHECK(another.resident_pages().empty());
    CHECK(number_on(another, 0) == 0);
}

TEST_CASE("protocol: close waits for a load under way and lets no new one begin") {
    setting s{2};
    auto file = s.make_file(2);
    s.script.hold(io_verb::read, 0);
    auto loader = std::async(std::launch::async, [&] { return number_on(file, 0); });
    s.script.wait_until_held();
    auto closer = std::async(std::launch::async, [&] { return refusal([&] { file.close(); }); });
    while (!file.slot().closing.load()) { std::this_thread::sleep_for(1ms); }
    CHECK(refusal([&] { number_on(file, 1); }) == errc::in_use);
    s.script.let_go();
    CHECK(loader.get() == 0);
    auto const refused = closer.get();  // the loader may still have held its guard
    CHECK((!refused || *refused == errc::in_use));
    if (refused) { file.close(); }
    CHECK_FALSE(file.is_open());
}

TEST_CASE("protocol: a read that fails fails for all who waited, and for nobody after") {
    setting s{2};
    auto file = s.make_file(2);
    s.script.fail(io_verb::read, 0, EIO);
    s.script.hold(io_verb::read, 0);
    auto const read = [&] {
        try {
            number_on(file, 0);
        } catch (quire::error const& e) {
            return std::pair{e.kind(), e.system_errno()};
        }
        return std::pair{errc{}, 0};
    };
    auto first = std::async(std::launch::async, read);
    s.script.wait_until_held();
    auto second = std::async(std::launch::async, read);
    auto third = std::async(std::launch::async, read);
    wait_for_waiters(file, 2);
    s.script.let_go();
    for (auto* one : {&first, &second, &third}) {
        CHECK(one->get() == std::pair{errc::read_failed, EIO});
    }
    CHECK(s.script.count(io_verb::read, 0) == 1);
    CHECK(number_on(file, 0) == 0);
    CHECK(number_on(file, 1) == 1);  // both frames are there
}

TEST_CASE("protocol: a corrupt page is refused for all who waited, and its frame is zeroed") {
    setting s{1};
    auto file = s.make_file(1);
    auto bytes = s.io.store->bytes("f");
    auto const good = bytes;
    bytes[100] ^= std::byte{1};
    s.io.store->assign("f", bytes);
    s.script.hold(io_verb::read, 0);
    auto const read = [&] { return refusal([&] { number_on(file, 0); }); };
    auto first = std::async(std::launch::async, read);
    s.script.wait_until_held();
    auto second = std::async(std::launch::async, read);
    wait_for_waiters(file, 1);
    s.script.let_go();
    CHECK(first.get() == errc::corrupt_page);
    CHECK(second.get() == errc::corrupt_page);
    auto const frame = file.core().frames.bytes(quire::frame_no{0});
    quire::unpoison(frame);
    CHECK(quire::detail::all_zero(frame));
    quire::poison(frame);
    s.io.store->assign("f", good);
    CHECK(number_on(file, 0) == 0);  // it was not cached
}

TEST_CASE("protocol: who waited for a load that found no frame tries for itself") {
    setting s{2};
    auto file = s.make_file(3);
    auto budget = s.pool.reserve(1);
    auto page = file.read(0);  // the other frame
    std::promise<void> claimed;
    auto poor = std::async(std::launch::async, [&] {
        return refusal([&] { number_on(file, 2); });
    });
    while (file.slot().pages->load(2) != quire::page_table::entry::loading()) {
        std::this_thread::yield();
    }
    auto rich = std::async(std::launch::async, [&] {
        return number_on(file, 2, {.budget = &budget});
    });
    CHECK(poor.get() == errc::no_free_frame);
    CHECK(rich.get() == 2);
    CHECK(budget.frames() == 0);
}

TEST_CASE("protocol: with every frame held a miss is refused, and nothing else happens") {
    setting s{2};
    auto file = s.make_file(3);
    {
        auto a = file.read(0);
        auto b = file.write(1);
        b->bytes().store<std::uint64_t>(64, 71);
        CHECK(refusal([&] { number_on(file, 2); }) == errc::no_free_frame);
        CHECK(refusal([&] { static_cast<void>(file.append()); }) == errc::no_free_frame);
        CHECK(file.slot().pages->load(2) == quire::page_table::entry::absent());
        CHECK(a->bytes().load<std::uint64_t>(64) == 0);
        CHECK(b->bytes().load<std::uint64_t>(64) == 71);
    }
    CHECK(file.pages() == 3);
    CHECK(number_on(file, 2) == 2);
    CHECK(number_on(file, 1) == 71);
}

TEST_CASE("protocol: a waiting miss gets the frame that is let go in time") {
    quire::buffer_pool<size, quire::clock, quire::hybrid_latch, gated_backend> pool{
        {.frames = 1, .frame_wait_max = 5s, .backend = {}}};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    for (std::uint64_t i = 0; i < 2; ++i) {
        auto page = file.append();
        page->bytes().store<std::uint64_t>(64, i);
    }
    std::future<std::uint64_t> other;
    {
        auto page = file.read(0);
        other = std::async(std::launch::async, [&] { return number_on(file, 1); });
        std::this_thread::sleep_for(20ms);
    }
    CHECK(other.get() == 1);
}

TEST_CASE("protocol: a miss only tries the latches of what it writes back") {
    // Left out, this is a deadlock of two threads with one latch each: the first holds page 0 and
    // waits for page 1, which the second is loading; the second's victim is page 0, and dirty.
    setting s{2};
    auto file = s.make_file(3);
    write_number(file, 0, 70);
    CHECK(number_on(file, 2) == 2);
    policy_orders::current().candidates = {quire::frame_no{0}};  // page 0, and nothing else
    auto page = file.write(0);
    auto loader = std::async(std::launch::async, [&] {
        return refusal([&] { number_on(file, 1); });
    });
    auto const mine = refusal([&] { number_on(file, 1, {.wait_max = 2s}); });
    CHECK(loader.get() == errc::no_free_frame);
    CHECK(mine == errc::no_free_frame);
    CHECK(std::as_const(page)->bytes().load<std::uint64_t>(64) == 70);
}

TEST_CASE("protocol: a writer gets its page although readers hold it in turns") {
    // The writer waits in one piece. In slices it lost its place at the end of each: readers that
    // hold the page longer than a slice, and overlap, kept it out until its time was over.
    setting<scripted_pool<quire::hybrid_latch>> s{4};
    auto file = s.make_file(1);
    std::atomic<bool> over{false};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
        readers.emplace_back([&, i] {
            std::this_thread::sleep_for(4ms * i);
            while (!over) {
                auto const page = file.read(0, {.wait_max = 30s});
                std::this_thread::sleep_for(12ms);
            }
        });
    }
    std::this_thread::sleep_for(30ms);
    for (int i = 0; i < 5; ++i) {
        CHECK(refusal([&] { file.write(0, {.wait_max = 10s}).release(); }) == std::nullopt);
    }
    over = true;
    for (auto& reader : readers) { reader.join(); }
}

TEST_CASE("protocol: a page stays dirty and resident until its write is complete") {
    setting s{2};
    auto file = s.make_file(3);
    write_number(file, 0, 70);
    s.script.hold(io_verb::write, 0);
    auto flusher = std::async(std::launch::async, [&] { file.flush(); });
    s.script.wait_until_held();
    CHECK(file.core().frames[quire::frame_no{0}].dirty());
    CHECK(number_on(file, 0) == 70);  // readers read on
    CHECK(refusal([&] { static_cast<void>(file.write(0, {.wait_max = 10ms})); }) ==
          errc::timed_out);  // writers do not: bytes that change under DMA arrive torn
    CHECK(number_on(file, 1) == 1);  // takes the other frame
    CHECK(number_on(file, 2) == 2);  // and again: page 0 cannot be evicted
    CHECK(file.core().frames[quire::frame_no{0}].holds({file.number(), 0}));
    s.script.let_go();
    flusher.get();
    CHECK_FALSE(file.core().frames[quire::frame_no{0}].dirty());
    CHECK(number_in_store(s.io, 0) == 70);
}

TEST_CASE("protocol: a failed write leaves the page dirty, resident and readable") {
    setting s{1};
    auto file = s.make_file(2);
    write_number(file, 0, 70);
    s.script.fail(io_verb::write, 0, EIO, 2);  // the flush's, and the eviction's
    try {
        file.flush();
        FAIL("flush must say that it failed");
    } catch (quire::error const& e) {
        CHECK(e.kind() == errc::write_failed);
        CHECK(e.system_errno() == EIO);
        CHECK(e.page() == quire::page_id{file.number(), 0});
    }
    CHECK(number_on(file, 0) == 70);
    CHECK(refusal([&] { number_on(file, 1); }) == errc::write_failed);  // it cannot be evicted
    CHECK(number_on(file, 0) == 70);
    file.flush();  // tries again
    CHECK(number_in_store(s.io, 0) == 70);
    CHECK(number_on(file, 1) == 1);
}

TEST_CASE("protocol: a dirty victim that cannot be written is passed over for another") {
    setting s{2};
    auto file = s.make_file(3);
    write_number(file, 0, 70);
    CHECK(number_on(file, 1) == 1);
    s.script.fail(io_verb::write, 0, EIO);
    CHECK(number_on(file, 2) == 2);
    CHECK(number_on(file, 0) == 70);
}

TEST_CASE("protocol: without downgrade, a frame that moved on is not written to the old place") {
    setting<scripted_pool<hooked_latch<false>>> s{1};
    auto file = s.make_file(2);
    write_number(file, 0, 70);
    // flush seals page 0 and lets go; before it latches again, page 0 is written and evicted, and
    // page 1 stands in its frame.
    latch_hooks::of_this_thread().before_shared = [&] {
        auto other = std::async(std::launch::async, [&] { return number_on(file, 1); });
        CHECK(other.get() == 1);
    };
    file.flush();
    CHECK(number_in_store(s.io, 0) == 70);
    CHECK(number_in_store(s.io, 1) == 1);
    CHECK(sealed_in_store(s.io, 0));
    CHECK(sealed_in_store(s.io, 1));
}

TEST_CASE("protocol: without downgrade, a page changed after its seal is sealed again") {
    setting<scripted_pool<hooked_latch<false>>> s{1};
    auto file = s.make_file(2);
    write_number(file, 0, 70);
    latch_hooks::of_this_thread().before_shared = [&] { write_number(file, 0, 71); };
    file.flush();
    CHECK(number_in_store(s.io, 0) == 71);
    CHECK(sealed_in_store(s.io, 0));
    CHECK_FALSE(file.core().frames[quire::frame_no{0}].dirty());
}

TEST_CASE("protocol: an update during a write-back's wait is not lost") {
    setting s{1};
    auto file = s.make_file(1);
    write_number(file, 0, 70);
    latch_hooks::of_this_thread().before_exclusive = [&] { write_number(file, 0, 71); };
    file.flush();
    CHECK(number_in_store(s.io, 0) == 71);
}

TEST_CASE("protocol: versions never go back, so a reused frame is clean and stays honest") {
    setting s{1};
    auto file = s.make_file(3);
    auto& frame = file.core().frames[quire::frame_no{0}];
    std::uint64_t last = 0;
    for (std::uint64_t i = 0; i < 9; ++i) {
        write_number(file, i % 3, 100 + i);
        CHECK(frame.version > last);
        CHECK(frame.written <= frame.version);
        last = frame.version;
    }
    file.flush();
    CHECK(frame.written == frame.version);
    for (std::uint64_t i = 6; i < 9; ++i) { CHECK(number_in_store(s.io, i % 3) == 100 + i); }
}

TEST_CASE("protocol: a write guard that lends nothing mutable leaves the page clean") {
    setting s{1};
    auto file = s.make_file(2);
    {
        auto page = file.write(0);
        CHECK(std::as_const(page)->bytes().load<std::uint64_t>(64) == 0);
        CHECK(std::as_const(page)->bytes().load<std::uint64_t>(64) == 0);
    }
    CHECK_FALSE(file.core().frames[quire::frame_no{0}].dirty());
    CHECK(number_on(file, 1) == 1);
    CHECK(file.stats().write_backs == 0);
}

TEST_CASE("protocol: a failed sync stops writes of the file, and reads go on") {
    setting s{2};
    auto file = s.make_file(2);
    write_number(file, 0, 70);
    s.script.fail_sync(EIO);
    CHECK(refusal([&] { file.flush(); }) == errc::sync_failed);
    CHECK(s.script.syncs() > 0);
    auto const syncs = s.script.syncs();
    CHECK(refusal([&] { file.flush(); }) == errc::sync_failed);
    CHECK(s.script.syncs() == syncs);  // never tried again
    CHECK(refusal([&] { file.write_back(); }) == errc::sync_failed);
    CHECK(refusal([&] { static_cast<void>(file.write(0)); }) == errc::sync_failed);
    CHECK(refusal([&] { static_cast<void>(file.append()); }) == errc::sync_failed);
    CHECK(number_on(file, 0) == 70);
    CHECK(number_on(file, 1) == 1);
    CHECK(refusal([&] { file.close(); }) == errc::sync_failed);
    file.close(quire::unwritten::discard);
    auto again = s.pool.open("f");  // opened anew, it is a file like any other
    write_number(again, 0, 72);
    again.flush();
    CHECK(number_in_store(s.io, 0) == 72);
}

TEST_CASE("protocol: after a failed sync dirty pages keep their frames, and others find none") {
    setting s{2};
    auto file = s.make_file(3);
    write_number(file, 0, 69);
    file.write_back();
    {
        auto first = file.write(0);
        auto second = file.write(1);
        s.script.fail_sync(EIO);
        std::thread{[&] {
            CHECK(refusal([&] { file.flush(); }) == errc::sync_failed);
        }}.join();
        first->bytes().store<std::uint64_t>(64, 70);  // guards of before may still be used
        second->bytes().store<std::uint64_t>(64, 71);
    }
    bool const both_dirty = file.core().frames[quire::frame_no{0}].dirty() &&
                            file.core().frames[quire::frame_no{1}].dirty();
    CHECK(both_dirty);
    CHECK(number_on(file, 0) == 70);
    CHECK(number_on(file, 1) == 71);
    CHECK(refusal([&] { static_cast<void>(number_on(file, 2)); }) == errc::sync_failed);
    file.close(quire::unwritten::discard);
}

TEST_CASE("protocol: the log is durable before the page is written") {
    std::uint64_t durable = 0;
    std::vector<std::uint64_t> asked;
    setting s{2, [&](std::uint64_t lsn) {
                  asked.push_back(lsn);
                  return durable = std::max(durable, lsn);
              }};
    auto file = s.make_file(3);
    {
        auto page = file.write(0);
        page->bytes().store<std::uint64_t>(64, 70);
        page.logged(17);
        page.logged(19);
        page.logged(18);
    }
    auto& frame = file.core().frames[quire::frame_no{0}];
    CHECK(frame.first_lsn == 17);
    CHECK(frame.lsn == 19);
    file.flush();
    CHECK(asked == std::vector<std::uint64_t>{19});
    CHECK(frame.first_lsn == 0);
    write_number(file, 0, 71);  // not logged: its old position is covered
    file.flush();
    CHECK(number_in_store(s.io, 0) == 71);
}

TEST_CASE("protocol: a frame has no log position of a page whose changes were forgotten") {
    // Its log may never get there: then the page that comes could never be written.
    std::vector<std::uint64_t> asked;
    setting s{1, [&](std::uint64_t lsn) {
                  asked.push_back(lsn);
                  return std::uint64_t{0};
              }};
    auto file = s.make_file(2);
    {
        auto page = file.write(0);
        page->bytes().store<std::uint64_t>(64, 70);
        page.logged(50);
    }
    file.discard(0);
    bool const made = GENERATE(true, false);
    if (made) {
        use_page(file.append());
    } else {
        write_number(file, 1, 71);
    }
    CHECK(file.core().frames[quire::frame_no{0}].lsn == 0);
    file.flush();
    CHECK(asked.empty());
    CHECK(sealed_in_store(s.io, made ? 2 : 1));
}

TEST_CASE("protocol: a page logged between the hook and its latch waits for the hook again") {
    std::vector<std::uint64_t> asked;
    std::function<void()> meanwhile;
    setting s{4, [&](std::uint64_t lsn) {
                  asked.push_back(lsn);
                  if (auto const once = std::exchange(meanwhile, nullptr)) { once(); }
                  return lsn;
              }};
    auto file = s.make_file(2);
    auto const change = [&](std::uint64_t value, std::uint64_t lsn) {
        auto page = file.write(0);
        page->bytes().store<std::uint64_t>(64, value);
        page.logged(lsn);
    };
    change(70, 9);
    meanwhile = [&] { std::async(std::launch::async, [&] { change(71, 30); }).get(); };
    file.flush();
    CHECK(asked == std::vector<std::uint64_t>{9, 30});
    CHECK(number_in_store(s.io, 0) == 71);
}

TEST_CASE("protocol: a page first logged while a flush waits for it is not ahead of its log") {
    std::vector<std::uint64_t> asked;
    setting s{4, [&](std::uint64_t lsn) {
                  asked.push_back(lsn);
                  return lsn;
              }};
    auto file = s.make_file(2);
    auto page = file.write(0);
    page->bytes().store<std::uint64_t>(64, 70);
    auto flusher = std::async(std::launch::async, [&] { file.flush(); });
    std::this_thread::sleep_for(50ms);  // it has found nothing to ask the hook for
    CHECK(asked.empty());
    page.logged(30);
    page.release();
    flusher.get();
    CHECK(asked == std::vector<std::uint64_t>{30});
    CHECK(number_in_store(s.io, 0) == 70);
}

TEST_CASE("protocol: what is changed while its file is being closed keeps it open") {
    setting s{4};
    auto file = s.make_file(2);
    write_number(file, 0, 70);
    CHECK(number_on(file, 1) == 1);
    s.script.hold(io_verb::write, 0);
    auto closer = std::async(std::launch::async, [&] { return refusal([&] { file.close(); }); });
    s.script.wait_until_held();
    write_number(file, 1, 71);
    s.script.let_go();
    CHECK(closer.get() == errc::in_use);
    file.close();
    CHECK(number_in_store(s.io, 1) == 71);
}

TEST_CASE("protocol: a page beyond the durable log is not written") {
    bool throws = false;
    std::uint64_t durable = 5;
    setting s{8, [&](std::uint64_t) -> std::uint64_t {
                  if (throws) { throw std::runtime_error{"log device"}; }
                  return durable;
              }};
    auto file = s.make_file(3);
    {
        auto page = file.write(0);
        page->bytes().store<std::uint64_t>(64, 70);
        page.logged(9);
    }
    {
        auto page = file.write(1);
        page->bytes().store<std::uint64_t>(64, 71);
        page.logged(5);
    }
    write_number(file, 2, 72);
    CHECK(refusal([&] { file.flush(); }) == errc::log_failed);
    CHECK(number_in_store(s.io, 0) == 0);
    CHECK(number_in_store(s.io, 1) == 71);  // the others are
    CHECK(number_in_store(s.io, 2) == 72);
    throws = true;
    try {
        file.flush();
        FAIL("flush must say that the log failed");
    } catch (quire::error const& e) {
        CHECK(e.kind() == errc::log_failed);
        CHECK_THROWS_WITH(std::rethrow_if_nested(e), "log device");
    }
    CHECK(number_in_store(s.io, 0) == 0);
    CHECK(number_on(file, 0) == 70);
    throws = false;
    durable = 9;
    file.flush();
    CHECK(number_in_store(s.io, 0) == 70);
}

TEST_CASE("protocol: a log hook that enters its pool is told so, and does not wait for itself") {
    std::optional<errc> told;
    std::function<void()> enter;
    setting s{1, [&](std::uint64_t lsn) {
                  told = refusal(enter);
                  return lsn;
              }};
    auto file = s.make_file(2);
    enter = [&] { number_on(file, 1); };
    auto const log_change = [&](std::uint64_t value) {
        auto page = file.write(0);
        page->bytes().store<std::uint64_t>(64, value);
        page.logged(value);
    };
    log_change(70);
    file.flush();
    CHECK(told == errc::reentered);
    CHECK(number_in_store(s.io, 0) == 70);
    CHECK(number_on(file, 1) == 1);  // outside the hook all is as before

    log_change(71);
    told.reset();
    CHECK(number_on(file, 1) == 1);  // its victim is page 0; the hook asks for what is being loaded
    CHECK(told == errc::reentered);
    CHECK(number_in_store(s.io, 0) == 71);
}

TEST_CASE("protocol: a log hook that comes back into its pool by way of another is told so") {
    // Each pool has one frame, with a page that is logged: a miss calls the hook.
    std::optional<errc> told;
    std::function<void()> enter_first;
    std::function<void()> enter_second;
    setting first{1, [&](std::uint64_t lsn) {
                      enter_second();
                      return lsn;
                  }};
    setting second{1, [&](std::uint64_t lsn) {
                       told = refusal(enter_first);
                       return lsn;
                   }};
    auto file = first.make_file(2);
    auto other = second.make_file(2);
    enter_first = [&] { number_on(file, 1); };
    enter_second = [&] { number_on(other, 1); };
    for (auto* const logged : {&file, &other}) {
        auto page = logged->write(0);
        page->bytes().store<std::uint64_t>(64, 70);
        page.logged(1);
    }
    CHECK(number_on(file, 1) == 1);
    CHECK(told == errc::reentered);
    CHECK(number_in_store(first.io, 0) == 70);
    CHECK(number_in_store(second.io, 0) == 70);
}

TEST_CASE("protocol: a hit keeps its page from being the next victim") {
    quire::buffer_pool<size, quire::clock, quire::hybrid_latch, gated_backend> pool{
        {.frames = 3, .backend = {}}};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    for (std::uint64_t i = 0; i < 5; ++i) { use_page(file.append()); }
    file.flush();
    for (std::uint64_t no = 0; no < 3; ++no) { use_page(file.read(no)); }
    use_page(file.read(0));  // the second use
    use_page(file.read(3));  // takes the frame of page 1
    auto const misses = file.stats().misses;
    use_page(file.read(0));
    CHECK(file.stats().misses == misses);
}

TEST_CASE("protocol: a new page has nothing of what was in its frame before") {
    setting s{1};
    auto file = s.make_file(1);
    {
        auto page = file.write(0);
        for (std::size_t i = 12; i < size; ++i) { page->bytes().store<std::uint8_t>(i, 0xAA); }
    }
    auto page = file.append<sparse_page>();  // formats four bytes and no more
    auto const bytes = std::as_const(page)->bytes();
    CHECK(quire::detail::all_zero(bytes.last(size - 16)));
}
