// SPDX-License-Identifier: BSL-1.0

/// rbd_backend over a fake of librados and librbd: what it asks of them, and what it makes of their
/// errors. What a real cluster does: rbd_cluster.test.cpp.

#include <quire/io/rbd_backend.hpp>

#include <quire/page/heap_page.hpp>
#include <quire/pool.hpp>
#include <quire/testing/check_backend.hpp>

#include "catch.hpp"
#include "ceph/fake_cluster.hpp"
#include "death.hpp"
#include "io/bench.hpp"

#include <future>

using namespace std::chrono_literals;
using quire::errc;
using quire::file_lock;
using quire::io_verb;
using quire::open_mode;
using quire::rbd_backend;
using quire_test::error_of;
using quire_test::fake_cluster;
using quire_test::fake_op;
using quire_test::page_bytes;

namespace {

using bench = quire_test::bench<rbd_backend>;
using pool_type =
    quire::buffer_pool<page_bytes, quire::s3_fifo, quire::hybrid_latch, rbd_backend>;

constexpr std::uint64_t step = std::uint64_t{1} << 22;  // the default

fake_cluster& new_cluster() {
    auto& ceph = fake_cluster::only();
    ceph.reset();
    return ceph;
}

/// What opening `path` says, and its errno.
std::pair<errc, int> refusal(bench& b, std::string const& path, open_mode mode,
                             file_lock const& lock = file_lock::whole) {
    auto const found = error_of([&] {
        auto file = b.backend.open({.path = path, .mode = mode, .lock = lock});
        CHECK(b.backend.close(file) == 0);
    });
    return {found.kind(), found.system_errno()};
}

/// `count` neighbours from page `first` on.
std::vector<bench::op> neighbours(bench& b, bench::file& file, io_verb verb, std::uint64_t first,
                                  std::size_t count) {
    std::vector<bench::op> ops;
    for (std::size_t i = 0; i < count; ++i) { ops.push_back(b.page_op(verb, file, first + i, i)); }
    return ops;
}

}  // namespace

TEST_CASE("rbd_backend: keeps the rules of the concept") {
    new_cluster();
    auto const found =
        quire::testing::check_backend<rbd_backend>({.path = "pool/check", .locks = false});
    INFO(found.text());
    CHECK(found.passed());
}

TEST_CASE("rbd_backend: neighbours travel by one op, at most 64") {
    auto& ceph = new_cluster();
    bench b;
    auto file = b.backend.open({"pool/image", open_mode::create_new});
    REQUIRE(b.backend.resize(file, 200 * page_bytes) == 0);
    for (auto const verb : {io_verb::write, io_verb::read}) {
        ceph.ops.clear();
        CHECK(b.run(neighbours(b, file, verb, 3, 65)) == std::vector<int>(65, 0));
        REQUIRE(ceph.ops.size() == 2);
        CHECK(ceph.ops[0].offset == 3 * page_bytes);
        CHECK(ceph.ops[0].bytes == 64 * page_bytes);
        CHECK(ceph.ops[1].bytes == page_bytes);
    }
    CHECK(b.backend.close(file) == 0);
}

TEST_CASE("rbd_backend: an image grows in steps, and is cut when it is closed") {
    auto& ceph = new_cluster();
    bench b;
    auto file = b.backend.open({"pool/image", open_mode::create_new});
    auto const& image = ceph.at("pool/image");
    for (std::uint64_t pages = 1; pages <= 10; ++pages) {
        REQUIRE(b.backend.resize(file, pages * page_bytes) == 0);
        CHECK(file.size() == pages * page_bytes);
    }
    CHECK(image.resizes == 1);
    CHECK(image.bytes.size() == step);
    REQUIRE(b.backend.resize(file, step + page_bytes) == 0);
    CHECK(image.bytes.size() == 2 * step);
    CHECK(b.read(file, 11, 0) == 0);
    CHECK(b.read(file, step / page_bytes + 1, 0) == quire::io_ended);  // the image has it
    // Smaller: really, since what is behind the end reads as zeros when the file grows again.
    std::ranges::fill(b.frame(1), std::byte{7});
    REQUIRE(b.write(file, 11, 1) == 0);
    REQUIRE(b.backend.resize(file, 11 * page_bytes) == 0);
    REQUIRE(b.backend.resize(file, 12 * page_bytes) == 0);
    CHECK(quire_test::is_zero(b.content(file, 11)));
    CHECK(b.backend.close(file) == 0);
    CHECK(image.bytes.size() == 12 * page_bytes);
}

TEST_CASE("rbd_backend: a resize that fails changes nothing") {
    auto& ceph = new_cluster();
    bench b;
    auto file = b.backend.open({"pool/image", open_mode::create_new});
    REQUIRE(b.backend.resize(file, page_bytes) == 0);
    ceph.fault = [](fake_op const&) { return -ENOSPC; };
    CHECK(b.backend.resize(file, 2 * step) == ENOSPC);
    CHECK(file.size() == page_bytes);
    CHECK(b.backend.resize(file, (std::uint64_t{1} << 50) + page_bytes) == EFBIG);
    ceph.fault = {};
    CHECK(b.backend.resize(file, 2 * step) == 0);
    CHECK(b.backend.close(file) == 0);
}

TEST_CASE("rbd_backend: an object that cannot be read fails no page of another one") {
    auto& ceph = new_cluster();
    bench b;
    auto file = b.backend.open({"pool/image", open_mode::create_new});
    REQUIRE(b.backend.resize(file, 10 * page_bytes) == 0);
    ceph.fault = [](fake_op const& op) {
        return op.offset <= 4 * page_bytes && op.offset + op.bytes > 4 * page_bytes ? -EIO : 0;
    };
    for (auto const verb : {io_verb::write, io_verb::read}) {
        CHECK(b.run(neighbours(b, file, verb, 2, 5)) == std::vector<int>{0, 0, EIO, 0, 0});
    }
    CHECK(b.backend.close(file) == 0);
}

TEST_CASE("rbd_backend: what all pages would share is not tried page by page") {
    auto& ceph = new_cluster();
    bench b;
    auto file = b.backend.open({"pool/image", open_mode::create_new});
    REQUIRE(b.backend.resize(file, 10 * page_bytes) == 0);
    for (int const error : {ETIMEDOUT, ESHUTDOWN}) {
        ceph.ops.clear();
        ceph.fault = [error](fake_op const&) { return -error; };
        CHECK(b.run(neighbours(b, file, io_verb::read, 0, 5)) == std::vector<int>(5, error));
        CHECK(ceph.ops.size() == 1);
    }
    ceph.fault = {};
    CHECK(b.backend.close(file) == 0);
}

TEST_CASE("rbd_backend: runs that find no record are complete when submit returns") {
    new_cluster();
    bench b{{.in_flight_max = 1}};
    auto file = b.backend.open({"pool/image", open_mode::create_new});
    REQUIRE(b.backend.resize(file, 10 * page_bytes) == 0);
    std::vector<bench::op> ops;
    for (std::size_t i = 0; i < 4; ++i) { ops.push_back(b.page_op(io_verb::read, file, 2 * i, i)); }
    std::vector<bench::op*> pointers;
    auto const at_once = b.submit(ops, pointers);
    REQUIRE(at_once == 3);
    for (std::size_t i = 0; i < at_once; ++i) { CHECK(pointers[i]->error == 0); }
    CHECK(pointers[3] == &ops[0]);
    std::array<bench::op*, 2> last{};
    REQUIRE(b.backend.reap(last, 10s) == 1);
    CHECK(last[0] == &ops[0]);
    CHECK(b.backend.close(file) == 0);
}

TEST_CASE("rbd_backend: many ops are in flight at once, and reap waits for the first") {
    auto& ceph = new_cluster();
    bench b;
    auto file = b.backend.open({"pool/image", open_mode::create_new});
    REQUIRE(b.backend.resize(file, 64 * page_bytes) == 0);
    ceph.hold_ops(true);
    std::vector<bench::op> ops;
    for (std::size_t i = 0; i < 32; ++i) {
        ops.push_back(b.page_op(io_verb::write, file, 2 * i, i));
    }
    std::vector<bench::op*> pointers;
    CHECK(b.submit(ops, pointers) == 0);
    std::array<bench::op*, 32> done{};
    CHECK(b.backend.reap(done, 0ns) == 0);
    CHECK(b.backend.reap(done, 5ms) == 0);
    auto goes_on = std::async(std::launch::async, [&] { ceph.hold_ops(false); });
    std::size_t count = 0;
    while (count < 32) {
        auto const more = b.backend.reap(done, 10s);
        REQUIRE(more > 0);
        count += more;
    }
    CHECK(b.backend.close(file) == 0);
}

TEST_CASE("rbd_backend: reap waits for an op in flight, whatever was handed out before") {
    auto& ceph = new_cluster();
    bench b;
    auto file = b.backend.open({"pool/image", open_mode::create_new});
    REQUIRE(b.backend.resize(file, page_bytes) == 0);
    CHECK(b.write(file, 0, 0) == 0);
    ceph.hold_ops(true);
    std::vector<bench::op> ops{b.page_op(io_verb::write, file, 0, 0)};
    std::vector<bench::op*> pointers;
    REQUIRE(b.submit(ops, pointers) == 0);
    std::array<bench::op*, 1> done{};
    auto const begin = std::chrono::steady_clock::now();
    CHECK(b.backend.reap(done, 20ms) == 0);
    CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
    ceph.hold_ops(false);
    CHECK(b.backend.reap(done, 10s) == 1);
    CHECK(b.backend.close(file) == 0);
}

TEST_CASE("rbd_backend: a second writer is refused while the first one lives") {
    new_cluster();
    bench b;
    bench other;
    auto file = b.backend.open({"pool/image", open_mode::create_new});
    for (auto const mode :
         {open_mode::read_write, open_mode::open_or_create, open_mode::create_or_replace}) {
        CHECK(refusal(b, "pool/image", mode).first == errc::file_locked);
        CHECK(refusal(other, "pool/image", mode).first == errc::file_locked);
    }
    auto free = other.backend.open(
        {.path = "pool/image", .mode = open_mode::read_write, .lock = file_lock::none});
    CHECK(other.backend.close(free) == 0);
    CHECK(b.backend.close(file) == 0);
    auto next = other.backend.open({"pool/image", open_mode::read_write});
    CHECK(other.backend.close(next) == 0);
}

TEST_CASE("rbd_backend: a writer waits for an owner that does not answer, but not for ever") {
    auto& ceph = new_cluster();
    bench b;
    auto file = b.backend.open({"pool/image", open_mode::create_new});
    ceph.away("pool/image");
    {
        bench impatient{{.lock_wait_max = 0s}};
        CHECK(refusal(impatient, "pool/image", open_mode::read_write).first == errc::file_locked);
        // The thread that still asks gets the lock, and gives it back.
        ceph.fence("pool/image");
    }
    bench patient;
    auto next = patient.backend.open({"pool/image", open_mode::read_write});
    CHECK(patient.backend.close(next) == 0);
    CHECK(b.backend.close(file) == 0);
}

TEST_CASE("rbd_backend: a reader opens a snapshot, or says that nothing keeps writers out") {
    auto& ceph = new_cluster();
    bench b;
    auto file = b.backend.open({"pool/image", open_mode::create_new});
    REQUIRE(b.backend.resize(file, page_bytes) == 0);
    CHECK(refusal(b, "pool/image", open_mode::read_only).first == errc::open_failed);
    CHECK_THAT(error_of([&] {
                   static_cast<void>(b.backend.open({"pool/image", open_mode::read_only}));
               }).what(),
               Catch::Matchers::ContainsSubstring("a snapshot of it, or with file_lock::none"));
    auto free = b.backend.open(
        {.path = "pool/image", .mode = open_mode::read_only, .lock = file_lock::none});
    CHECK_FALSE(free.writable());
    CHECK(b.read(free, 0, 0) == 0);
    CHECK(b.write(free, 0, 0) == EBADF);
    CHECK(b.backend.close(free) == 0);
    ceph.snapshots["pool/image@monday"] = std::vector<std::byte>(page_bytes, std::byte{9});
    auto kept = b.backend.open({"pool/image@monday", open_mode::read_only});
    CHECK(b.content(kept, 0)[5] == std::byte{9});
    CHECK(b.backend.close(kept) == 0);
    for (auto const mode : {open_mode::read_write, open_mode::open_or_create}) {
        CHECK(refusal(b, "pool/image@monday", mode) == std::pair{errc::open_failed, EROFS});
    }
    CHECK(refusal(b, "pool/image@tuesday", open_mode::read_only) ==
          std::pair{errc::open_failed, ENOENT});
    CHECK(b.backend.close(file) == 0);
}

TEST_CASE("rbd_backend: a path is pool/image, with a namespace between them or without") {
    auto& ceph = new_cluster();
    bench b;
    for (char const* path : {"image", "/image", "pool/", ""}) {
        CHECK(refusal(b, path, open_mode::open_or_create) == std::pair{errc::open_failed, EINVAL});
    }
    CHECK(refusal(b, "absent/image", open_mode::open_or_create).second == ENOENT);
    auto file = b.backend.open({"pool/apart/image", open_mode::create_new});
    CHECK(ceph.has("pool/apart/image"));
    CHECK(b.backend.close(file) == 0);
    ceph.at("pool/apart/image").features = 0;
    CHECK_THAT(error_of([&] {
                   static_cast<void>(b.backend.open({"pool/apart/image", open_mode::read_write}));
               }).what(),
               Catch::Matchers::ContainsSubstring("has not the feature exclusive-lock"));
}

TEST_CASE("rbd_backend: options that make no sense, and a cluster that cannot be reached") {
    auto& ceph = new_cluster();
    for (auto const& wrong :
         {rbd_backend::options{.in_flight_max = 0}, rbd_backend::options{.in_flight_max = 4097},
          rbd_backend::options{.op_time_max = -1s}, rbd_backend::options{.lock_wait_max = -1s},
          rbd_backend::options{.growth = 1 << 15}, rbd_backend::options{.growth = 3 << 20},
          rbd_backend::options{.growth = std::uint64_t{1} << 31},
          rbd_backend::options{.op_time_max = std::chrono::seconds::max()},
          rbd_backend::options{.lock_wait_max = std::chrono::seconds::max()}}) {
        CHECK(error_of([&] { bench const b{wrong}; }).kind() == errc::bad_option);
    }
    CHECK(error_of([&] { bench const b{{.config = "absent.conf"}}; }).system_errno() == ENOENT);
    ceph.connect_result = -EACCES;
    auto const refused = error_of([&] { bench const b; });
    CHECK(refused.kind() == errc::open_failed);
    CHECK(refused.system_errno() == EACCES);
    ceph.connect_result = 0;
    { bench const b{{.op_time_max = 40s}}; }
    CHECK(ceph.configured["rados_osd_op_timeout"] == "40");
    CHECK(ceph.configured["rbd_cache"] == "false");
}

TEST_CASE("rbd_backend: a fenced owner's file refuses writes, and what the pool has is read") {
    auto& ceph = new_cluster();
    pool_type pool{{.frames = 8}};
    auto file = pool.open("pool/image", open_mode::create_new);
    auto other = pool.open("pool/other", open_mode::create_new);
    for (int i = 0; i < 12; ++i) { file.append<quire::heap_page>().release(); }
    file.flush();
    file.append<quire::heap_page>().release();  // dirty
    ceph.ops.clear();
    ceph.fence("pool/image");
    CHECK(error_of([&] { file.flush(); }).kind() == errc::lock_lost);
    CHECK(ceph.ops.size() == 1);
    CHECK(error_of([&] { file.flush(); }).kind() == errc::lock_lost);
    CHECK(error_of([&] { file.append().release(); }).kind() == errc::lock_lost);
    { auto const page = file.read<quire::heap_page>(12); }
    CHECK(error_of([&] { file.read<quire::heap_page>(0).release(); }).kind() == errc::lock_lost);
    CHECK(error_of([&] { file.close(); }).kind() == errc::lock_lost);
    REQUIRE(file.is_open());  // the page is still dirty
    file.close(quire::unwritten::discard);
    // The fence is of the connection: the pool's other file has it, too, and so has what it opens.
    CHECK(error_of([&] { other.append().release(); }).kind() == errc::lock_lost);
    other.close(quire::unwritten::discard);
    CHECK(error_of([&] { pool.open("pool/image", open_mode::read_write).close(); })
              .system_errno() == ESHUTDOWN);
    pool_type anew{{.frames = 8}};
    auto next = anew.open("pool/image", open_mode::read_write);
    next.write<quire::heap_page>(0).release();
    next.close();
}

TEST_CASE("rbd_backend: EROFS of a writer's op is a lost lock, too") {
    auto& ceph = new_cluster();
    bench b;
    auto file = b.backend.open({"pool/image", open_mode::create_new});
    REQUIRE(b.backend.resize(file, page_bytes) == 0);
    ceph.fault = [](fake_op const& op) { return op.writes ? -EROFS : 0; };
    CHECK(b.write(file, 0, 0) == ESHUTDOWN);
    CHECK(b.backend.resize(file, 2 * step) == ESHUTDOWN);
    ceph.fault = {};
    CHECK(b.backend.close(file) == 0);
}

TEST_CASE("rbd_backend: an op that took too long leaves its page dirty, and is made again") {
    auto& ceph = new_cluster();
    pool_type pool{{.frames = 8}};
    auto file = pool.open("pool/image", open_mode::create_new);
    file.append<quire::heap_page>().release();
    ceph.fault = [](fake_op const& op) { return op.writes ? -ETIMEDOUT : 0; };
    auto const late = error_of([&] { file.flush(); });
    CHECK(late.kind() == errc::write_failed);
    CHECK(late.system_errno() == ETIMEDOUT);
    ceph.fault = {};
    file.flush();
}

TEST_CASE("rbd_backend: a file with a write that timed out keeps its lock when it is closed") {
    auto& ceph = new_cluster();
    {
        bench b;
        auto file = b.backend.open({"pool/image", open_mode::create_new});
        REQUIRE(b.backend.resize(file, page_bytes) == 0);
        ceph.fault = [](fake_op const&) { return -ETIMEDOUT; };
        CHECK(b.read(file, 0, 0) == ETIMEDOUT);
        ceph.fault = {};
        CHECK(b.backend.close(file) == 0);  // a read changes nothing, however late it is
        file = b.backend.open({"pool/image", open_mode::read_write});
        ceph.fault = [](fake_op const&) { return -ETIMEDOUT; };
        CHECK(b.write(file, 0, 0) == ETIMEDOUT);
        ceph.fault = {};
        CHECK(b.write(file, 0, 0) == 0);  // the first one is on its way still
        CHECK(b.backend.close(file) == ETIMEDOUT);
        bench other;
        CHECK(refusal(other, "pool/image", open_mode::read_write).first == errc::file_locked);
    }
    ceph.away("pool/image");  // as when the process has ended
    ceph.fence("pool/image");
    bench next;
    auto file = next.backend.open({"pool/image", open_mode::read_write});
    CHECK(next.backend.close(file) == 0);
}

TEST_CASE("rbd_backend: an opener whose replacing timed out keeps the lock, too") {
    auto& ceph = new_cluster();
    bench b;
    auto file = b.backend.open({"pool/image", open_mode::create_new});
    REQUIRE(b.backend.resize(file, page_bytes) == 0);
    CHECK(b.backend.close(file) == 0);
    ceph.fault = [](fake_op const& op) { return op.parts == 0 ? -ETIMEDOUT : 0; };
    {
        bench late;
        CHECK(refusal(late, "pool/image", open_mode::create_or_replace) ==
              std::pair{errc::open_failed, ETIMEDOUT});
    }
    ceph.fault = {};
    CHECK(refusal(b, "pool/image", open_mode::read_write).first == errc::file_locked);
}

TEST_CASE("rbd_backend: with a limit a failed write may hide one that timed out") {
    auto& ceph = new_cluster();
    for (auto const limit : {0s, 40s}) {
        bench b{{.op_time_max = limit}};
        auto const path = "pool/image" + std::to_string(limit.count());
        auto file = b.backend.open({path, open_mode::create_new});
        REQUIRE(b.backend.resize(file, page_bytes) == 0);
        for (int const error : {EROFS, EIO}) {
            ceph.fault = [error](fake_op const& op) { return op.writes ? -error : 0; };
            CHECK(b.write(file, 0, 0) == (error == EROFS ? ESHUTDOWN : EIO));
            ceph.fault = {};
            bool const is_kept = limit > 0s && error == EIO;
            CHECK(b.backend.close(file) == (is_kept ? ETIMEDOUT : 0));
            bench other;
            if (is_kept) {
                CHECK(refusal(other, path, open_mode::read_write).first == errc::file_locked);
            } else {
                file = b.backend.open({path, open_mode::read_write});
            }
        }
        CHECK(b.backend.close(file) == 0);
    }
}

TEST_CASE("rbd_backend: what one page's time-out says holds for the rest of its run") {
    auto& ceph = new_cluster();
    bench b;
    auto file = b.backend.open({"pool/image", open_mode::create_new});
    REQUIRE(b.backend.resize(file, 10 * page_bytes) == 0);
    ceph.fault = [](fake_op const& op) {
        return op.bytes > page_bytes ? -EIO : op.offset == 0 ? 0 : -ETIMEDOUT;
    };
    CHECK(b.run(neighbours(b, file, io_verb::read, 0, 4)) ==
          std::vector<int>{0, ETIMEDOUT, ETIMEDOUT, ETIMEDOUT});
    CHECK(ceph.ops.size() == 3);
    ceph.fault = {};
    CHECK(b.backend.close(file) == 0);
}

TEST_CASE("rbd_backend: an image whose objects have not whole pages is refused") {
    auto& ceph = new_cluster();
    bench b;
    auto file = b.backend.open({"pool/image", open_mode::create_new});
    CHECK(b.backend.close(file) == 0);
    ceph.at("pool/image").object_size = page_bytes;
    file = b.backend.open({"pool/image", open_mode::read_write});
    CHECK(b.backend.close(file) == 0);
    ceph.at("pool/image").object_size = page_bytes / 2;
    CHECK(refusal(b, "pool/image", open_mode::read_write) ==
          std::pair{errc::open_failed, EINVAL});
}

TEST_CASE("rbd_backend: a forked child leaves the connection as it is") {
    new_cluster();
    auto pool = std::make_unique<pool_type>(quire::pool_options<rbd_backend>{.frames = 8});
    auto file = pool->open("pool/image", open_mode::create_new);
    file.append<quire::heap_page>().release();
    CHECK(quire_test::failure_of([&]() -> std::string {
              if (error_of([&] { file.flush(); }).kind() != errc::forked) { return "not forked"; }
              pool.reset();  // would wait for threads that are not here
              return "";
          }) == "");
    file.flush();
    file.close();
}
