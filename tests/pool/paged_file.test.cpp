// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/paged_file.hpp>

#include "calls.hpp"
#include "doubles.hpp"

#include <quire/evict/clock.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/page/heap_page.hpp>
#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"
#include "death.hpp"
#include "temp_dir.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>

#include <sys/mman.h>
#include <sys/resource.h>

using namespace quire_test;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using quire::errc;
using quire::open_mode;

namespace {

constexpr std::size_t size = 512;  // bytes of a page

using pool_type = quire::buffer_pool<size, quire::clock, quire::hybrid_latch,
                                     quire::memory_backend>;
using gated_pool = quire::buffer_pool<size, quire::clock, quire::hybrid_latch, gated_backend>;
using disk_pool = quire::buffer_pool<4096>;

struct setting {
    pool_type make(std::size_t frames = 4) const {
        return pool_type{{.frames = frames,
                          .files_max = 2,
                          .file_pages_max = 10,
                          .frame_wait_max = 10ms,
                          .backend = {store}}};
    }
    void write_file(std::string const& name, std::uint64_t pages, std::uint64_t base = 0) const {
        pool_type pool = make();
        auto file = pool.open(name, open_mode::open_or_create);
        append_numbers(file, pages, base);
        file.close();
    }
    std::uint64_t bytes(std::string const& name) const { return store->bytes(name).size(); }

    std::shared_ptr<quire::memory_store> store = std::make_shared<quire::memory_store>();
};

/// A page kind whose format relies on nothing, and so writes nothing.
template <class Byte, std::size_t PageSize>
class plain_page {
public:
    explicit plain_page(std::span<Byte, PageSize> bytes) noexcept : bytes_{bytes} {}
    static void format(std::span<std::byte, PageSize>, quire::page_no) noexcept {}
    static bool accepts(std::span<std::byte const, PageSize>) noexcept { return true; }
    [[nodiscard]] std::span<Byte, PageSize> bytes() const noexcept { return bytes_; }

private:
    std::span<Byte, PageSize> bytes_;
};

/// A page kind that says what it is in byte 3.
template <class Byte, std::size_t PageSize>
class page_of_an_eight : public plain_page<Byte, PageSize> {
public:
    using plain_page<Byte, PageSize>::plain_page;
    static void format(std::span<std::byte, PageSize> bytes, quire::page_no) noexcept {
        bytes[3] = std::byte{8};
    }
    static bool accepts(std::span<std::byte const, PageSize> bytes) noexcept {
        return bytes[3] == std::byte{8};
    }
};

/// The checksum of page `block` of a relation, in PostgreSQL's manner: of all bytes except the two
/// that keep it, with the block's number in the relation mixed in, and never 0.
std::uint16_t relation_checksum(std::span<std::byte const> bytes, std::uint64_t block) noexcept {
    std::uint32_t sum = 2'166'136'261;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bool const own = i == 8 || i == 9;
        sum = (sum ^ (own ? 0 : std::to_integer<std::uint32_t>(bytes[i]))) * 16'777'619;
    }
    return static_cast<std::uint16_t>((sum ^ static_cast<std::uint32_t>(block)) % 65'535 + 1);
}
/// The seal of a segment file of a relation, whose first page is block `first_block`.
quire::page_seal segment_seal(std::uint64_t first_block) {
    return {[](std::span<std::byte const> bytes, quire::page_id id, std::uint64_t first) noexcept {
                auto const sum = relation_checksum(bytes, first + id.page().value());
                return quire::load_le<std::uint16_t>(bytes.data() + 8) == sum
                           ? quire::page_state::good
                           : quire::page_state::corrupt;
            },
            [](std::span<std::byte> bytes, quire::page_id id, std::uint64_t first) noexcept {
                auto const sum = relation_checksum(bytes, first + id.page().value());
                quire::store_le(bytes.data() + 8, sum);
            },
            first_block};
}

/// How `call` fails, whole.
template <class Call>
quire::error failure_of_call(Call call) {
    try {
        call();
    } catch (quire::error const& e) {
        return e;
    }
    throw std::logic_error{"it did not fail"};
}

}  // namespace

TEST_CASE("paged_file: an error of a wait or a refusal names what was asked for") {
    setting const s;
    pool_type pool = s.make();
    auto const file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 2);
    auto const says = [](auto call) { return std::string{error_of(call).what()}; };
    auto const read = [&](std::uint64_t no) {
        return [&, no] { static_cast<void>(file.read(no, {.wait_max = 1ms})); };
    };
    auto const write = [&](std::uint64_t no) {
        return [&, no] { static_cast<void>(file.write(no, {.wait_max = 1ms})); };
    };
    auto const pin = [&](std::uint64_t no) {
        return [&, no] { static_cast<void>(file.pin(no, {.wait_max = 1ms})); };
    };
    CHECK(says(read(7)) == "read of page 7 of f: no such page");
    CHECK(says(write(7)) == "write of page 7 of f: no such page");
    CHECK(says(pin(7)) == "pin of page 7 of f: no such page");
    {
        auto const held = file.write(1);
        CHECK_THAT(says(read(1)), ContainsSubstring("read of page 1 of f: this thread holds"));
        CHECK_THAT(says(write(1)), ContainsSubstring("write of page 1 of f: this thread holds"));
        CHECK_THAT(says(pin(1)), ContainsSubstring("pin of page 1 of f: this thread holds"));
        std::array<std::string, 3> others;
        std::thread{[&] { others = {says(read(1)), says(write(1)), says(pin(1))}; }}.join();
        CHECK_THAT(others[0], ContainsSubstring("read of page 1 of f (waited for a guard"));
        CHECK_THAT(others[1], ContainsSubstring("write of page 1 of f (waited for a guard"));
        CHECK_THAT(others[2], ContainsSubstring("pin of page 1 of f (waited for a guard"));
    }
    pool_type other = s.make();  // it is the read that fails
    s.write_file("g", 1);
    auto bytes = s.store->bytes("g");
    bytes[100] ^= std::byte{1};
    s.store->assign("g", bytes);
    auto const damaged = other.open("g", open_mode::read_write);
    CHECK(says([&] { static_cast<void>(damaged.write(0)); }) ==
          "read of page 0 of g: page is corrupt");
}

TEST_CASE("paged_file: a closed file's pages are there again when it is opened again") {
    setting s;
    auto pool = s.make();
    auto file = pool.open("f", open_mode::open_or_create);
    CHECK(file.path() == "f");
    CHECK(file.pages() == 0);
    append_numbers(file, 6, 70);
    CHECK(file.pages() == 6);
    file.close();
    CHECK_FALSE(file.is_open());
    auto const again = pool.open("f");
    CHECK(again.pages() == 6);
    for (std::uint64_t no = 0; no < 6; ++no) { CHECK(number_on(again, no) == 70 + no); }
    CHECK(again.stats().misses == 6);  // counted from the opening on
    CHECK(again.stats().hits == 0);
    CHECK(again.stats().appends == 0);
}

TEST_CASE("paged_file: a file in the place of another has a number of its own") {
    setting s;
    auto pool = s.make();
    auto old = pool.open("f", open_mode::open_or_create);
    append_numbers(old, 3, 70);
    old.close();
    auto file = pool.open("g", open_mode::open_or_create);
    CHECK(file.number() != old.number());
    CHECK(&file.core().files.of({file.number(), 0}) == &old.core().files.of({old.number(), 0}));
    CHECK(file.is_open());
    CHECK_FALSE(old.is_open());
    append_numbers(file, 2, 80);
    CHECK(number_on(file, 1) == 81);  // not the other file's
    CHECK(refusal([&] { number_on(file, 2); }) == errc::page_out_of_range);
}

TEST_CASE("paged_file: file numbers come round, and none is that of no file") {
    // With room for 64 slots the first has the numbers 0, 64, ... 65,472, and the second 1, 65, ...
    auto const come_round = [](std::size_t files_max, unsigned slot) {
        quire::buffer_pool<512, quire::clock, quire::hybrid_latch, quire::memory_backend> pool{
            {.frames = 1, .files_max = files_max, .file_pages_max = 16, .backend = {}}};
        for (unsigned i = 0; i < slot; ++i) {
            static_cast<void>(pool.open(std::to_string(i), open_mode::open_or_create));
        }
        auto const stays = slot > 0 ? pool.path(quire::file_no{0}) : "0";
        std::set<quire::file_no> numbers;
        for (;;) {
            auto file = pool.open("f", open_mode::open_or_create);
            bool const anew = numbers.insert(file.number()).second;
            bool const its_own = file.number() != quire::file_no::unknown &&
                                 pool.path(file.number()) == "f" &&
                                 &file.core().files.of({file.number(), 0}) == &file.slot();
            file.close();
            if (!its_own || stays != "0") { return std::size_t{0}; }
            if (!anew) { return numbers.size(); }
        }
    };
    CHECK(come_round(60, 0) == 1024);
    CHECK(come_round(64, 1) == 1024);
    CHECK(come_round(1, 0) == 65'535);
    CHECK(come_round(16'384, 0) == 4);
}

TEST_CASE("paged_file: a handle used after close stops the program") {
    auto const broken_by = [](auto use) {
        return violation_of([&] {
            setting s;
            auto pool = s.make();
            auto file = pool.open("f", open_mode::open_or_create);
            append_numbers(file, 1);
            file.close();
            append_numbers(pool.open("g", open_mode::open_or_create), 1);  // in the same slot
            use(file);
        });
    };
    auto const rule = ContainsSubstring("a file handle is not used after close");
    CHECK_THAT(violation_of([] {
                   setting s;
                   auto pool = s.make();
                   auto file = pool.open("f", open_mode::open_or_create);
                   append_numbers(file, 1);
                   file.close();  // and nobody comes into its slot
                   number_on(file, 0);
               }),
               rule);
    CHECK_THAT(violation_of([] {
                   setting s;
                   auto pool = s.make();
                   auto file = pool.open("f", open_mode::open_or_create);
                   append_numbers(file, 1);
                   file.close();
                   static_cast<void>(file.write(0));
               }),
               rule);
    CHECK_THAT(broken_by([](auto& f) { number_on(f, 0); }), rule);
    CHECK_THAT(broken_by([](auto& f) { static_cast<void>(f.write(0)); }), rule);
    CHECK_THAT(broken_by([](auto& f) { static_cast<void>(f.append()); }), rule);
    CHECK_THAT(broken_by([](auto& f) { f.flush(); }), rule);
    CHECK_THAT(broken_by([](auto& f) { f.reserve(1); }), rule);
    CHECK_THAT(broken_by([](auto& f) { f.close(); }), rule);
    CHECK_THAT(broken_by([](auto& f) { static_cast<void>(f.pages()); }), rule);
    CHECK_THAT(broken_by([](auto& f) { static_cast<void>(f.mode()); }), rule);
    CHECK_THAT(broken_by([](auto& f) { static_cast<void>(f.path()); }), rule);
    CHECK_THAT(broken_by([](auto& f) { static_cast<void>(f.stats()); }), rule);
}

TEST_CASE("paged_file: a pool has as many files as its slots") {
    setting s;
    auto pool = s.make();
    auto a = pool.open("a", open_mode::open_or_create);
    append_numbers(pool.open("b", open_mode::open_or_create), 1);
    CHECK(refusal([&] { static_cast<void>(pool.open("c", open_mode::open_or_create)); }) ==
          errc::too_many_files);
    a.close();
    auto c = pool.open("c", open_mode::open_or_create);
    CHECK(c.is_open());
}

TEST_CASE("paged_file: opening refuses what is no file of pages, and takes no slot") {
    setting s;
    s.store->assign("odd", std::vector<std::byte>(700));
    s.store->assign("large", std::vector<std::byte>(11 * size));
    s.store->assign("largest", std::vector<std::byte>(10 * size));
    auto pool = s.make();
    auto other = pool.open("a", open_mode::open_or_create);
    auto const odd = failure_of_call([&] { static_cast<void>(pool.open("odd")); });
    CHECK(odd.kind() == errc::size_not_page_multiple);
    CHECK_THAT(odd.what(), ContainsSubstring("700") && ContainsSubstring("512"));
    CHECK(refusal([&] { static_cast<void>(pool.open("large")); }) == errc::file_too_large);
    CHECK(refusal([&] { static_cast<void>(pool.open("none")); }) == errc::open_failed);
    CHECK(refusal([&] { static_cast<void>(pool.open("a", open_mode::create_new)); }) ==
          errc::open_failed);
    CHECK(refusal([&] { static_cast<void>(pool.open("a")); }) == errc::file_locked);
    CHECK(refusal([&] {
              static_cast<void>(pool.open("odd", open_mode::read_write,
                                          {.seal = {nullptr, nullptr}}));
          }) == errc::bad_option);
    CHECK(refusal([&] {
              static_cast<void>(pool.open("odd", open_mode::read_write,
                                          {.seal = {quire::no_seal.check, nullptr}}));
          }) == errc::bad_option);
    CHECK(refusal([&] { static_cast<void>(pool.open(std::string{"o\0d", 3})); }) ==
          errc::bad_option);
    CHECK(refusal([&] { static_cast<void>(pool.open("odd")); }) ==
          errc::size_not_page_multiple);  // not locked by the refusal
    auto largest = pool.open("largest");
    CHECK(largest.pages() == 10);
    CHECK(other.is_open());
}

TEST_CASE("paged_file: a page number is checked before anything is done with it") {
    setting s;
    s.write_file("f", 2);
    auto pool = s.make();
    auto file = pool.open("f");
    for (std::uint64_t no : {std::uint64_t{2}, std::uint64_t{9}, std::uint64_t{10},
                             std::uint64_t{1} << 32, (std::uint64_t{1} << 48) - 1}) {
        auto const e = failure_of_call([&] { number_on(file, no); });
        CHECK(e.kind() == errc::page_out_of_range);
        CHECK(e.page() == quire::page_id{file.number(), no});
        CHECK(refusal([&] { static_cast<void>(file.write(no)); }) == errc::page_out_of_range);
    }
    CHECK(number_on(file, 1) == 1);
}

TEST_CASE("paged_file: a file opened for reading refuses writers") {
    setting s;
    s.write_file("f", 2, 70);
    auto pool = s.make();
    auto file = pool.open("f", open_mode::read_only);
    CHECK(number_on(file, 1) == 71);
    CHECK(refusal([&] { static_cast<void>(file.write(0)); }) == errc::read_only);
    CHECK(refusal([&] { static_cast<void>(file.append()); }) == errc::read_only);
    CHECK(refusal([&] { file.reserve(1); }) == errc::read_only);
    file.flush();
    auto second = pool.open("f", open_mode::read_only);  // readers together
    CHECK(number_on(second, 0) == 70);
    file.close();
    second.close(quire::unwritten::discard);
    CHECK(s.bytes("f") == 2 * size);
}

TEST_CASE("paged_file: a corrupt page is refused, named, and read again next time") {
    setting s;
    s.write_file("f", 3, 70);
    auto const good = s.store->bytes("f");
    auto bad = good;
    REQUIRE(bad.size() == 3 * size);
    bad[size + 300] ^= std::byte{4};
    std::copy_n(good.begin(), size, bad.begin() + 2 * size);  // page 0 in the place of page 2
    s.store->assign("f", bad);
    auto pool = s.make();
    auto file = pool.open("f");
    auto const e = failure_of_call([&] { number_on(file, 1); });
    CHECK(e.kind() == errc::corrupt_page);
    CHECK(e.page() == quire::page_id{file.number(), 1});
    CHECK(refusal([&] { static_cast<void>(file.write(1)); }) == errc::corrupt_page);
    CHECK(refusal([&] { number_on(file, 2); }) == errc::corrupt_page);
    CHECK(number_on(file, 0) == 70);
    s.store->assign("f", good);
    CHECK(number_on(file, 1) == 71);
    CHECK(number_on(file, 2) == 72);
    CHECK(file.stats().misses == 6);
}

TEST_CASE("paged_file: a file that was cut is a short read, never zeros") {
    setting s;
    s.write_file("f", 3);
    auto pool = s.make();
    auto file = pool.open("f");
    auto bytes = s.store->bytes("f");
    bytes.resize(size + 100);
    s.store->assign("f", bytes);
    CHECK(refusal([&] { number_on(file, 1); }) == errc::short_read);
    CHECK(refusal([&] { number_on(file, 2); }) == errc::short_read);
    CHECK(number_on(file, 0) == 0);

    temp_dir const dir;
    std::string const path = dir / "f";
    disk_pool disk{{.frames = 4}};
    auto on_disk = disk.open(path, open_mode::open_or_create);
    append_numbers(on_disk, 6);
    on_disk.flush();
    std::filesystem::resize_file(path, 4096 + 1000);
    CHECK(refusal([&] { number_on(on_disk, 1); }) == errc::short_read);
    CHECK(number_on(on_disk, 0) == 0);
    on_disk.close(quire::unwritten::discard);
}

TEST_CASE("paged_file: a page of another kind is refused, and not held") {
    setting s;
    auto pool = s.make();
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 1);
    {
        auto page = file.append<quire::heap_page>();
        CHECK(page->size() == 0);
    }
    auto const e = failure_of_call([&] { static_cast<void>(file.read<quire::heap_page>(0)); });
    CHECK(e.kind() == errc::wrong_page_kind);
    CHECK(e.page() == quire::page_id{file.number(), 0});
    CHECK(refusal([&] { static_cast<void>(file.write<quire::heap_page>(0)); }) ==
          errc::wrong_page_kind);
    auto page = file.read<quire::heap_page>(1);
    write_number(file, 0, 5);
    CHECK(number_on(file, 0) == 5);
}

TEST_CASE("paged_file: reserved pages need no growing, and what is left is cut off on closing") {
    gated_backend::options io;
    gated_pool pool{{.frames = 4, .file_pages_max = 10, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 1);
    file.reserve(5);
    CHECK(io.store->bytes("f").size() == 6 * size);
    CHECK(file.pages() == 1);
    CHECK(refusal([&] { number_on(file, 1); }) == errc::page_out_of_range);
    int resizes = 0;
    io.script->during_resize = [&] { ++resizes; };
    append_numbers(file, 3);
    file.reserve(1);  // is there
    CHECK(resizes == 0);
    CHECK(refusal([&] { file.reserve(7); }) == errc::file_too_large);
    CHECK(refusal([&] { file.reserve(~std::uint64_t{0}); }) == errc::file_too_large);
    io.script->fail_resize(ENOSPC);
    CHECK(refusal([&] { file.reserve(6); }) == errc::grow_failed);
    CHECK(io.store->bytes("f").size() == 6 * size);
    file.reserve(6);
    CHECK(io.store->bytes("f").size() == 10 * size);
    file.close();
    CHECK(io.store->bytes("f").size() == 4 * size);
    CHECK(number_on(pool.open("f"), 3) == 3);
}

TEST_CASE("paged_file: after a crash, pages that were grown and not written are blank") {
    setting s;
    auto pool = s.make();
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 2, 70);
    file.reserve(3);
    file.flush();
    append_numbers(file, 1);  // not written
    s.store->assign("crashed", s.store->bytes("f"));
    auto crashed = pool.open("crashed");
    CHECK(crashed.pages() == 5);
    CHECK(number_on(crashed, 1) == 71);
    for (std::uint64_t no = 2; no < 5; ++no) {
        CHECK(refusal([&] { number_on(crashed, no); }) == errc::blank_page);
    }
}

TEST_CASE("paged_file: a file grows to its limit and no further") {
    setting s;
    auto pool = s.make();
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 10);
    auto const e = failure_of_call([&] { static_cast<void>(file.append()); });
    CHECK(e.kind() == errc::file_too_large);
    CHECK(file.pages() == 10);
    CHECK(s.bytes("f") == 10 * size);
    CHECK(refusal([&] { file.reserve(1); }) == errc::file_too_large);
    for (std::uint64_t no = 0; no < 10; ++no) { CHECK(number_on(file, no) == no); }
    file.close();
}

TEST_CASE("paged_file: a new page is zeroed, whoever had its frame before") {
    setting s;
    auto pool = s.make(1);
    auto file = pool.open("f", open_mode::open_or_create);
    auto other = pool.open("g", open_mode::open_or_create);
    {
        auto page = file.append<plain_page>();
        std::ranges::fill(page->bytes(), std::byte{0xAA});
    }
    auto page = other.append<plain_page>();
    CHECK(quire::detail::all_zero(page.view().bytes().subspan(12)));  // before that: the seal
}

TEST_CASE("paged_file: who waited for the file's end is refused") {
    gated_backend::options io;
    gated_pool pool{{.frames = 4, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 1);
    auto& core = file.core();
    auto& slot = file.slot();  // so that it does not matter if they come when all is over
    auto const number = file.number();
    io.script->hold(quire::io_verb::write, 0);
    auto closer = std::async(std::launch::async, [&] { file.close(); });
    io.script->wait_until_held();
    auto flusher = std::async(std::launch::async, [&] {
        return refusal([&] { quire::detail::file_flush{core, slot}.flush(number, {}); });
    });
    auto second_closer = std::async(std::launch::async, [&] {
        return refusal([&] {
            quire::detail::file_closing{core, slot, number}.close(quire::unwritten::write);
        });
    });
    CHECK(flusher.get() == errc::in_use);
    CHECK(second_closer.wait_for(30ms) == std::future_status::timeout);
    io.script->let_go();
    closer.get();
    CHECK(second_closer.get() == errc::in_use);
    CHECK(io.store->bytes("f").size() == size);
}

TEST_CASE("paged_file: who is overtaken by the file's end makes no page and cuts none off") {
    // It finds too many pages dirty, and while it asks for the log another thread closes the file.
    std::promise<void> asking;
    std::promise<void> closed;
    std::atomic<bool> first{true};
    auto const hook = [&](std::uint64_t lsn) {
        if (first.exchange(false)) {
            asking.set_value();
            closed.get_future().wait();
        }
        return lsn;
    };
    gated_backend::options io;
    gated_pool pool{{.frames = 4, .durable = hook, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create, {.dirty_pages_max = 1});
    {
        auto page = file.append();
        page.logged(1);
    }
    auto const what = GENERATE(0, 1, 2, 3);
    bool const another_comes = GENERATE(false, true);
    CAPTURE(what, another_comes);
    auto late = std::async(std::launch::async, [what, mine = file] {
        return refusal([&] {
            if (what == 0) { mine.append().release(); }
            if (what == 1) { mine.reserve(1); }
            if (what == 2) { mine.truncate(0); }
            if (what == 3) { mine.format(0).release(); }
        });
    });
    asking.get_future().wait();
    file.close();
    if (another_comes) {  // into the same slot
        file = pool.open("g", open_mode::open_or_create);
        append_numbers(file, 1, 70);
        file.flush();
    }
    closed.set_value();
    CHECK(late.get() == errc::in_use);
    CHECK(io.store->bytes("f").size() == size);
    if (another_comes) {
        CHECK(file.pages() == 1);
        CHECK(number_on(file, 0) == 70);
    }
}

TEST_CASE("paged_file: who is overtaken right behind the handle's check leaves another file be") {
    gated_backend::options io;
    gated_pool pool{{.frames = 4, .files_max = 1, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 1);
    auto& core = file.core();
    auto& slot = file.slot();  // checked, and now:
    auto const number = file.number();
    file.close();
    file = pool.open("g", open_mode::open_or_create);
    append_numbers(file, 2, 70);
    file.flush();
    write_number(file, 0, 80);

    quire::detail::page_maker maker{core, slot, number};
    quire::detail::file_flush flushing{core, slot};
    quire::page_id const first{number, 0};
    auto const format = [](auto, quire::page_no) noexcept {};
    auto const accepts = [](auto, auto) noexcept { return true; };
    quire::detail::maker_kind<decltype(format), decltype(accepts)> const any{format, accepts};
    auto const syncs = file.stats().syncs;
    CHECK(refusal([&] { std::ignore = maker.append({}, any); }) == errc::in_use);
    CHECK(refusal([&] { std::ignore = maker.format(0, {}, any); }) == errc::in_use);
    CHECK(refusal([&] { maker.reserve(1); }) == errc::in_use);
    CHECK(refusal([&] { flushing.flush(number, {}); }) == errc::in_use);
    CHECK(refusal([&] { flushing.write_back(number, {}); }) == errc::in_use);
    CHECK(refusal([&] { quire::detail::discard_page(core, slot, first, {}); }) == errc::in_use);
    CHECK(refusal([&] { quire::detail::truncate_file(core, slot, number, 1); }) == errc::in_use);
    CHECK(refusal([&] {
              quire::detail::file_closing{core, slot, number}.close(quire::unwritten::discard);
          }) == errc::in_use);

    CHECK(file.is_open());
    CHECK(file.pages() == 2);
    CHECK(file.slot().dirty == 1);
    CHECK(file.stats().syncs == syncs);
    CHECK(number_on(file, 0) == 80);
    CHECK(number_on(file, 1) == 71);
    CHECK(io.store->bytes("f").size() == size);
    CHECK(io.store->bytes("g").size() == 2 * size);
}

TEST_CASE("paged_file: of what is dirty another file's pages are not told when one is overtaken") {
    gated_backend::options io;
    gated_pool pool{{.frames = 8, .files_max = 1, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 2);
    std::set<quire::file_no> told;
    file.for_each_dirty([&, first = true](quire::page_id id, std::uint64_t) mutable {
        told.insert(id.file());
        if (!std::exchange(first, false)) { return; }
        file.close();
        file = pool.open("g", open_mode::open_or_create);
        append_numbers(file, 4);
    });
    CHECK(told.size() == 1);
    CHECK(told.count(file.number()) == 0);
}

TEST_CASE("paged_file: an append whose entry does not become free keeps no frame") {
    gated_pool pool{{.frames = 2, .frame_wait_max = 10ms, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 1);
    REQUIRE(file.slot().pages->claim(1));  // as who came before a truncation, and has not looked
    for (int i = 0; i < 3; ++i) {
        CHECK(refusal([&] { file.append({.wait_max = 10ms}).release(); }) == errc::timed_out);
    }
    CHECK(file.pages() == 1);
    file.slot().pages->store(1, quire::page_table::entry::absent());
    append_numbers(file, 1, 70);
    CHECK(number_on(file, 1) == 71);
    file.close();
    auto all = pool.reserve(2);  // every frame came back
}

TEST_CASE("paged_file: while it is being closed no page is made anew and none forgotten") {
    gated_backend::options io;
    gated_pool pool{{.frames = 4, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 2);
    file.flush();
    write_number(file, 0, 70);
    io.script->hold(quire::io_verb::write, 0);
    auto closer = std::async(std::launch::async, [&] { file.close(); });
    io.script->wait_until_held();
    auto const no = GENERATE(1U, 0U);  // clean, and being written
    CHECK(refusal([&] { file.format(no).release(); }) == errc::in_use);
    if (no == 1) { CHECK(refusal([&] { file.discard(no); }) == errc::in_use); }
    CHECK(file.resident_pages().size() == 2);
    io.script->let_go();
    closer.get();
}

TEST_CASE("paged_file: behind the last page that a file may have there is no entry") {
    pool_type pool{{.frames = 2, .file_pages_max = 1024, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 1);
    auto const& entries = *file.slot().pages;
    quire::page_no const end{entries.pages()};
    // Mappings are longer than they say. What stands there must not be looked at.
    entries.store(end, quire::page_table::entry::of(quire::frame_no{0}));
    CHECK(file.core().resident.entry_of(file.slot(), end) == quire::page_table::entry::absent());
    CHECK(file.core().resident.entry_of(file.slot(), quire::page_no{0}).is_frame());
    entries.store(end, quire::page_table::entry::absent());
}

TEST_CASE("paged_file: discard on closing leaves the pages as they were") {
    setting s;
    s.write_file("f", 3, 70);
    auto pool = s.make();
    auto file = pool.open("f", open_mode::read_write, {.dirty_pages_max = 100});
    write_number(file, 1, 700);
    CHECK(file.slot().dirty == 1);
    file.close(quire::unwritten::discard);
    file = pool.open("f");
    CHECK(file.slot().dirty == 0);
    CHECK(number_on(file, 1) == 71);
    auto all = pool.reserve(4);  // every frame came back
    CHECK(all.frames() == 4);
}

// ---- what an operation looks at: counted, since a time proves nothing -----------------------

namespace {

/// How many pages of memory this thread touches for the first time in `act`.
template <class Act>
long first_touches_in(Act act) {
    ::rusage before{};
    ::rusage after{};
    if (::getrusage(RUSAGE_THREAD, &before) != 0) { throw std::logic_error{"getrusage"}; }
    act();
    if (::getrusage(RUSAGE_THREAD, &after) != 0) { throw std::logic_error{"getrusage"}; }
    return after.ru_minflt - before.ru_minflt;
}

/// What becomes of a process whose file has its pages in frames, page `no` dirty, when `act(file)`
/// looks at the header of another frame than that page's: signal 11. Neighbours in the same page of
/// memory are let off.
template <class Act>
std::string end_when_others_are_hidden(std::uint64_t no, Act act) {
    return in_child([&] {
               std::signal(SIGSEGV, SIG_DFL);
               pool_type pool{{.frames = 4096,
                               .file_pages_max = 4096,
                               .backend = {std::make_shared<quire::memory_store>()}}};
               auto const file = pool.open("f", open_mode::create_new);
               append_numbers(file, 3000);
               file.flush();
               write_number(file, no, 7);
               auto const f = file.core().resident.entry_of(file.slot(), no).frame();
               auto const& frames = file.core().frames;
               constexpr std::uintptr_t memory_page = 4096;
               auto const first = reinterpret_cast<std::uintptr_t>(frames.headers().data());
               auto const end = first + frames.headers().size_bytes();
               auto const its = reinterpret_cast<std::uintptr_t>(&frames[f]);
               auto at = (first + memory_page - 1) / memory_page * memory_page;
               for (; at + memory_page <= end; at += memory_page) {
                   if (at < its + sizeof frames[f] && its < at + memory_page) { continue; }
                   if (::mprotect(reinterpret_cast<void*>(at), memory_page, PROT_NONE) != 0) {
                       ::_exit(1);
                   }
               }
               act(file);
               ::_exit(0);  // the pool's end looks at every frame
           }).how();
}

}  // namespace

// A table of four million pages has 4096 pages of memory, and is empty.
TEST_CASE("paged_file: truncate of many pages looks at frames where those are fewer") {
    temp_dir const dir;
    constexpr std::uint64_t pages = std::uint64_t{1} << 22;
    std::ofstream{dir / "f"};
    std::filesystem::resize_file(dir / "f", pages * size);
    quire::buffer_pool<size, quire::clock> pool{{.frames = 8, .file_pages_max = pages + 8}};
    auto const file = pool.open(dir / "f", open_mode::read_write, {.io = quire::io_mode::buffered});
    append_numbers(file, 2);
    CHECK(first_touches_in([&] { file.truncate(2); }) < 200);
    CHECK(file.pages() == 2);
    CHECK(file.resident_pages().empty());
    append_numbers(file, 1);
    CHECK(number_on(file, 2) == 2);
}

TEST_CASE("paged_file: write_back, flush and truncate of few pages look at no other frames") {
    using file_type = pool_type::file;
    constexpr char const* well = "exited with 0";
    CHECK(end_when_others_are_hidden(1500, [](file_type file) { file.write_back(); }) == well);
    CHECK(end_when_others_are_hidden(1500, [](file_type file) { file.flush(); }) == well);
    CHECK(end_when_others_are_hidden(2999, [](file_type file) { file.truncate(2999); }) == well);
    CHECK(end_when_others_are_hidden(1500, [](file_type file) { file.discard(1500); }) == well);
    CHECK(end_when_others_are_hidden(1500, [](file_type file) {
              static_cast<void>(file.stats());  // which does look
          }) == "killed by signal 11");
}

TEST_CASE("paged_file: close gives the frames back, dirty or clean, and unlocks the file") {
    setting s;
    auto pool = s.make();
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 8, 70);
    file.close();
    auto other = pool.open("g", open_mode::open_or_create);
    append_numbers(other, 4);
    CHECK(pool.stats().evictions == 0);
    auto second = s.make();
    CHECK(number_on(second.open("f"), 7) == 77);
}

TEST_CASE("paged_file: close is refused while a page is pinned") {
    setting s;
    auto pool = s.make();
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 2);
    auto& latch = file.core().frames[file.slot().pages->load(0).frame()].latch;
    latch.lock_shared();
    latch.pin();
    latch.unlock_shared();
    CHECK(refusal([&] { file.close(); }) == errc::in_use);
    CHECK(file.is_open());
    CHECK(number_on(file, 1) == 1);
    write_number(file, 0, 5);
    latch.unpin();
    file.close();
}

TEST_CASE("paged_file: a page kind that lives in the seal's bytes stops the program at once") {
    CHECK_THAT(violation_of([] {
                   setting s;
                   auto pool = s.make();
                   auto file = pool.open("f", open_mode::open_or_create);
                   static_cast<void>(file.append<page_of_an_eight>());
               }),
               ContainsSubstring("leaves alone what its file's seal writes"));
    setting s;
    auto pool = s.make();
    auto file = pool.open("f", open_mode::open_or_create, {.seal = quire::no_seal});
    auto page = file.append<page_of_an_eight>();
    CHECK(page.view().bytes()[3] == std::byte{8});
}

TEST_CASE("paged_file: other people's files are read and written as they stand") {
    setting s;
    std::vector<std::byte> bytes(2 * size, std::byte{0x5A});
    std::fill_n(bytes.begin() + size, size, std::byte{0});
    s.store->assign("f", bytes);
    auto pool = s.make();
    auto file = pool.open("f", open_mode::read_write, {.seal = quire::no_seal});
    {
        auto page = file.write(0);
        CHECK(page->bytes()[0] == std::byte{0x5A});
        page->bytes().store(7, std::uint8_t{1});
    }
    {
        auto page = file.read(1);  // zeros are as good as anything
        CHECK(page->bytes()[100] == std::byte{0});
    }
    file.close();
    bytes[7] = std::byte{1};
    CHECK(s.store->bytes("f") == bytes);
}

TEST_CASE("paged_file: a user's contract judges every page read and seals every page written") {
    static std::atomic<int> checks;
    static std::atomic<int> seals;
    checks = 0;
    seals = 0;
    quire::page_seal const contract{
        [](std::span<std::byte const> bytes, quire::page_id id, std::uint64_t) noexcept {
            ++checks;
            return bytes[0] == std::byte{7} && id.page().value() < 3 ? quire::page_state::good
                                                                     : quire::page_state::corrupt;
        },
        [](std::span<std::byte> bytes, quire::page_id, std::uint64_t) noexcept {
            ++seals;
            bytes[0] = std::byte{7};
        }};
    setting s;
    auto pool = s.make(2);
    auto file = pool.open("f", open_mode::open_or_create, {.seal = contract});
    append_numbers(file, 4);
    file.flush();
    CHECK(seals == 8);  // when it is made, and when it is written
    CHECK(checks == 0);
    CHECK(number_on(file, 0) == 0);
    CHECK(number_on(file, 1) == 1);
    CHECK(number_on(file, 2) == 2);
    CHECK(checks == 3);
    auto const refused = refusal([&] {
        append_numbers(file, 1);
        file.flush();
        number_on(file, 0);
        number_on(file, 1);
        number_on(file, 3);
    });
    CHECK(refused == errc::corrupt_page);
}

TEST_CASE("paged_file: a seal is called with the value of its file") {
    constexpr std::uint64_t first = 131'072;  // pages of PostgreSQL's other segments
    setting s;
    auto pool = s.make(2);
    auto const open = [&](std::string const& name, std::uint64_t value) {
        return pool.open(name, open_mode::open_or_create, {.seal = segment_seal(value)});
    };
    auto zeroth = open("r", 0);
    auto second = open("r.2", 2 * first);  // both are open: the value is the file's
    append_numbers(zeroth, 4);
    append_numbers(second, 4, 10);
    write_number(second, 3, 23);
    for (auto const& file : {zeroth, second}) { file.flush(); }
    for (std::uint64_t no = 0; no < 4; ++no) {
        CHECK(number_on(zeroth, no) == no);
        CHECK(number_on(second, no) == (no == 3 ? 23 : 10 + no));
        for (auto const& [name, value] : {std::pair{"r", std::uint64_t{0}}, {"r.2", 2 * first}}) {
            auto const stored = s.store->bytes(name);
            auto const page = std::span{stored}.subspan(no * size, size);
            CHECK(quire::load_le<std::uint16_t>(page.data() + 8) ==
                  relation_checksum(page, value + no));
        }
    }
    zeroth.close();
    second.close();

    // Another segment's value, in either direction. The slot of the pool is one that was in use.
    for (auto const& [name, value] : {std::pair{"r", first}, {"r.2", first}, {"r.2", 0}}) {
        auto const wrong = open(name, value);
        for (std::uint64_t no = 0; no < 4; ++no) {
            CHECK(refusal([&, no] { static_cast<void>(number_on(wrong, no)); }) ==
                  errc::corrupt_page);
        }
        wrong.close();
    }
    auto const right = open("r.2", 2 * first);
    for (std::uint64_t no = 0; no < 4; ++no) {
        CHECK(number_on(right, no) == (no == 3 ? 23 : 10 + no));
    }
}

TEST_CASE("paged_file: on a disk pages travel by direct I/O, there and back") {
    temp_dir const dir;
    std::string const path = dir / "f";
    {
        disk_pool pool{{.frames = 8}};
        auto file = pool.open(path, open_mode::create_new);
        if (file.mode() != quire::io_mode::direct) {
            return skip("this file system has no direct I/O");
        }
        append_numbers(file, 40, 70);
        file.reserve(10);
        file.close();
    }
    CHECK(std::filesystem::file_size(path) == 40 * 4096);
    disk_pool pool{{.frames = 8}};
    auto file = pool.open(path, open_mode::read_only);
    for (std::uint64_t no = 0; no < 40; ++no) { CHECK(number_on(file, no) == 70 + no); }
    CHECK(file.stats().bytes_read == 40 * 4096);
    CHECK(file.stats().evictions == 32);
}
