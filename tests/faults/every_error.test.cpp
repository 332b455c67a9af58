// SPDX-License-Identifier: BSL-1.0

/// Every code of quire::errc is something that a user can be told: here is how each comes about.
/// A code that is added and not produced here does not compile (-Wswitch).

#include <quire/quire.hpp>

#include <quire/io/memory_backend.hpp>
#include <quire/table/btree.hpp>
#include <quire/testing/faulty_backend.hpp>

#include "catch.hpp"
#include "death.hpp"
#include "syscall_fault.hpp"
#include "table/item.hpp"
#include "temp_dir.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <future>
#include <limits>
#include <memory>
#include <thread>

using namespace std::chrono_literals;
using quire::errc;
using quire::io_mode;
using quire::open_mode;
using quire::testing::fault_plan;
using quire::testing::io_call;
using quire::testing::io_fault;

namespace {

struct record {
    std::int64_t number;
    std::string text;
};
BOOST_DESCRIBE_STRUCT(record, (), (number, text))

using pool_type =
    quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch,
                       quire::testing::faulty_backend<quire::memory_backend>>;

/// A pool of two frames in memory, and a file of two flushed heap pages.
struct scene {
    std::shared_ptr<fault_plan> faults = std::make_shared<fault_plan>();
    std::shared_ptr<quire::memory_store> store = std::make_shared<quire::memory_store>();
    pool_type pool;
    pool_type::file file;

    explicit scene(quire::log_hook durable = {})
        : pool{{.frames = 2, .files_max = 2, .file_pages_max = 4, .wait_max = 1ms,
                .frame_wait_max = 0ns, .durable = std::move(durable),
                .on_loss = [](std::string const&, quire::error const&) {},
                .backend = {{store}, faults}}},
          file{pool.open("f", open_mode::open_or_create)} {
        for (int i = 0; i < 2; ++i) { file.append<quire::heap_page>().release(); }
        file.flush();
    }
    void fail(io_call call, io_fault what = io_fault::fails) const {
        faults->add({.call = call, .what = what, .every = 1});
    }
    /// Page 0 is not resident; with a fault, reading it meets that.
    void read_after(io_fault what) {
        file.discard(0);
        fail(io_call::read, what);
        static_cast<void>(file.read(0));
    }
    void change(std::string const& text = "a") {
        auto page = file.write<quire::heap_page>(0);
        static_cast<void>(page->insert(record{1, text}));
        page.logged(1);
    }
};

/// A pool with a log, and a logged file; its end is a crash.
struct logged_scene {
    using pool_type = quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch,
                                         quire::memory_backend>;
    using change_type = quire::change<pool_type>;
    quire::redo_log<quire::memory_backend> log;
    pool_type pool;
    pool_type::file file;

    explicit logged_scene(quire::memory_store_ptr const& store = quire::memory_store_ptr::make(),
                          bool logged = true)
        : log{"log", {.bytes = 18 * 4096, .backend = {store}}},
          pool{{.frames = 16, .backend = {store}}, log},
          file{pool.open("f", open_mode::open_or_create, {.logged = logged})} {}
    ~logged_scene() { file.close(quire::unwritten::discard); }
    logged_scene(logged_scene const&) = delete;
    logged_scene& operator=(logged_scene const&) = delete;

    void append(int count) {
        pool.change([&](change_type& change) {
            for (int i = 0; i < count; ++i) { auto const page = change.append(file); }
        });
    }
};

void open_in_file_system(std::string const& path, std::size_t bytes) {
    std::ofstream{path} << std::string(bytes, 'x');
    quire::buffer_pool<> pool{{.frames = 1}};
    static_cast<void>(pool.open(path, open_mode::read_write, {.io = io_mode::buffered}));
}

constexpr char const* no_direct_here = "/proc/version";

/// Does what ends with `code`.
void produce(errc code, std::string const& path) {
    switch (code) {
        case errc::open_failed: static_cast<void>(scene{}.pool.open("missing")); return;
        case errc::file_locked: {
            scene s;
            static_cast<void>(s.pool.open("f"));
            return;
        }
        case errc::direct_io_refused: {
            quire::buffer_pool<> pool{{.frames = 1}};
            static_cast<void>(pool.open(no_direct_here, open_mode::read_only));
            return;
        }
        case errc::misaligned_page_size: {
            quire::arena const memory{4, 512, quire::huge_pages::off};
            quire::direct_backend const backend{memory.bytes().subspan(1), {}};
            static_cast<void>(
                backend.open({path, open_mode::open_or_create, io_mode::direct, 512, false}));
            return;
        }
        case errc::size_not_page_multiple: open_in_file_system(path, 5000); return;
        case errc::too_many_files: {
            scene s;
            static_cast<void>(s.pool.open("g", open_mode::open_or_create));
            static_cast<void>(s.pool.open("h", open_mode::open_or_create));
            return;
        }
        case errc::file_too_large: {
            scene s;
            for (int i = 0; i < 3; ++i) { s.file.append().release(); }
            return;
        }
        case errc::page_out_of_range: static_cast<void>(scene{}.file.read(2)); return;
        case errc::read_failed: scene{}.read_after(io_fault::fails); return;
        case errc::short_read: scene{}.read_after(io_fault::shortens); return;
        case errc::corrupt_page: scene{}.read_after(io_fault::corrupts); return;
        case errc::write_failed: {
            scene s;
            s.change();
            s.fail(io_call::write);
            s.file.flush();
            return;
        }
        case errc::sync_failed: {
            scene s;
            s.fail(io_call::sync);
            s.file.flush();
            return;
        }
        case errc::lock_lost: {
            scene s;
            s.change();
            s.faults->add({.call = io_call::write, .error = ESHUTDOWN});
            s.file.flush();
            return;
        }
        case errc::grow_failed: {
            scene s;
            s.fail(io_call::resize);
            s.file.append().release();
            return;
        }
        case errc::close_failed: {
            scene s;
            s.fail(io_call::close);
            s.file.close();
            return;
        }
        case errc::blank_page: {
            scene s;
            s.file.reserve(1);
            s.file.close(quire::unwritten::discard);
            static_cast<void>(s.pool.open("f").read(2));
            return;
        }
        case errc::wrong_page_kind: {
            scene s;
            s.file.format(0).release();
            static_cast<void>(s.file.read<quire::heap_page>(0));
            return;
        }
        case errc::read_only: {
            scene s;
            s.file.close();
            static_cast<void>(s.pool.open("f", open_mode::read_only).write(0));
            return;
        }
        case errc::no_free_frame: {
            scene s;
            auto const one = s.file.read(0);
            auto const two = s.file.read(1);
            s.file.append().release();
            return;
        }
        case errc::timed_out:
        case errc::in_use: {
            scene s;
            std::atomic<bool> held{false};
            std::atomic<bool> over{false};
            std::thread other{[&] {
                auto const page = s.file.write(0);
                held = true;
                while (!over) { std::this_thread::sleep_for(1ms); }
            }};
            while (!held) { std::this_thread::yield(); }
            try {
                if (code == errc::timed_out) {
                    static_cast<void>(s.file.read(0));
                } else {
                    s.file.discard(0);
                }
            } catch (...) {
                over = true;
                other.join();
                throw;
            }
            over = true;
            other.join();
            return;
        }
        case errc::forked: {
            scene s;
            REQUIRE(quire_test::failure_of([&]() -> std::string {
                        try {
                            s.file.flush();
                        } catch (quire::error const& e) { return e.code().message(); }
                        return "nothing was thrown";
                    }).find(make_error_code(errc::forked).message()) != std::string::npos);
            throw quire::error{errc::forked, "seen in a child"};
        }
        case errc::reentered: {
            scene* here = nullptr;
            scene s{[&](std::uint64_t) -> std::uint64_t {
                if (here != nullptr) { here->file.flush(); }
                return ~std::uint64_t{0};
            }};
            here = &s;
            s.change();
            try {
                s.file.flush();
            } catch (quire::error const& e) {
                here = nullptr;
                REQUIRE(e.kind() == errc::log_failed);  // what the hook has thrown is inside
                std::rethrow_if_nested(e);
            }
            return;
        }
        case errc::log_failed: {
            scene s{[](std::uint64_t) -> std::uint64_t { return 0; }};
            s.change();
            s.file.flush();
            return;
        }
        case errc::out_of_memory:
            static_cast<void>(quire::buffer_pool<>{{.frames = std::size_t{1} << 31}});
            return;
        case errc::bad_option:
            static_cast<void>(quire::buffer_pool<>{{.frames = 0}});
            return;
        case errc::no_such_tuple: {
            scene s;
            auto const page = s.file.read<quire::heap_page>(0);
            static_cast<void>(page->tuple(quire::slot_id{9}));
            return;
        }
        case errc::tuple_too_large: {
            scene s;
            s.change(std::string(5000, 'x'));
            return;
        }
        case errc::row_mismatch: {
            scene s;
            auto page = s.file.write<quire::heap_page>(0);
            std::array<std::byte, 2> const bytes{};
            auto const slot = page->insert(std::span<std::byte const>{bytes}).value();
            auto const row = page->row<record>(slot);
            static_cast<void>(row.get<&record::text>());
            return;
        }
        case errc::held_here: {
            scene s;
            auto const page = s.file.read(0);
            static_cast<void>(s.file.write(0));
            return;
        }
        case errc::log_corrupt: {
            auto const store = quire::memory_store_ptr::make();
            store->assign("log", std::vector<std::byte>(1 << 20, std::byte{1}));
            logged_scene{store};
            return;
        }
        case errc::log_full: {
            logged_scene s;
            s.append(10);
            return;
        }
        case errc::log_mismatch: {
            auto const store = quire::memory_store_ptr::make();
            logged_scene{store};  // ends in a crash
            logged_scene s{store, false};
            return;
        }
        case errc::needs_log: {
            auto const store = quire::memory_store_ptr::make();
            {
                logged_scene s{store};  // ends in a crash
                quire::catalog db{s.pool, s.file};
            }
            store->assign("log", {});
            logged_scene s{store, false};
            quire::catalog db{s.pool, s.file};
            return;
        }
        case errc::needs_change: {
            logged_scene s;
            auto const page = s.file.append();
            return;
        }
        case errc::conflict: {
            logged_scene s;
            s.append(2);
            quire::change change{s.pool};
            auto const held = change.write(s.file, 0);
            std::async(std::launch::async, [&] {
                quire::change other{s.pool};
                auto const second = other.write(s.file, 1);
                auto const first = other.write(s.file, 0);
            }).get();
            return;
        }
        case errc::bad_key: {
            std::array<std::byte, 8> room;
            quire::key_writer to{room};
            quire::key_codec<double>::write(to, std::numeric_limits<double>::quiet_NaN());
            return;
        }
        case errc::catalog_mismatch: {
            logged_scene s;
            quire::catalog db{s.pool, s.file};
            using pool = decltype(s.pool);
            { quire::btree<std::string, double, pool> const prices{db, "prices"}; }
            quire::btree<std::string, float, pool> const others{db, "prices"};
            return;
        }
        case errc::duplicate_key: {
            logged_scene s;
            quire::catalog db{s.pool, s.file};
            quire_test::item_table<decltype(s)> items{db, "items"};
            items.insert({1, "a", "first"});
            items.insert({1, "b", "second"});
            return;
        }
    }
    FAIL("a code that is not in the list");
}

std::string what_comes_of(errc code, std::string const& path) {
    try {
        produce(code, path);
    } catch (quire::error const& e) {
        return e.kind() == code ? "" : e.what();
    }
    return "nothing was thrown";
}

}  // namespace

TEST_CASE("every error: each code is produced") {
    temp_dir const dir;
    constexpr int first = static_cast<int>(errc::open_failed);
    constexpr int last = static_cast<int>(errc::duplicate_key);
    for (int value = first; value <= last; ++value) {
        auto const code = static_cast<errc>(value);
        INFO(make_error_code(code).message());
        auto const path = (dir / std::to_string(value)).string();
        if (code == errc::out_of_memory) {  // in a child: memory stays refused
            if (!quire_test::can_refuse()) {
                skip("no seccomp here");
                continue;
            }
            CHECK(failure_of([&]() -> std::string {
                      if (!quire_test::refuse(SYS_mmap, ENOMEM)) { return "no seccomp"; }
                      return what_comes_of(code, path);
                  }) == "");
        } else if (code == errc::direct_io_refused && !std::filesystem::exists(no_direct_here)) {
            skip("no /proc here: its files refuse O_DIRECT");
        } else {
            CHECK(what_comes_of(code, path) == "");
        }
    }
    CHECK(make_error_code(static_cast<errc>(last + 1)).message() == "unknown error");
}
