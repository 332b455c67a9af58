// SPDX-License-Identifier: BSL-1.0

/// rbd_backend on a real Ceph cluster (tests/ceph/cluster): its rules, its lock and its fence, the
/// loss of an OSD, and changes that are whole or not at all on it.
///
/// QUIRE_CEPH in the environment is a folder: `shared` in it is that of a cluster that is up, `own`
/// and `two` of those that a test makes and damages. Without the first the tests are skipped. Each
/// runs in a process of its own, as ctest does it: the child of a process that has used librados
/// may draw the address that its parent draws next, and a fence is of an address.

#include <quire/io/rbd_backend.hpp>

#include <quire/page/heap_page.hpp>
#include <quire/pool.hpp>
#include <quire/pool/change.hpp>
#include <quire/row/codec.hpp>
#include <quire/testing/check_backend.hpp>

#include <boost/describe.hpp>

#include "catch.hpp"
#include "pool/calls.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <thread>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace std::chrono_literals;
using quire::errc;
using quire::open_mode;
using quire::rbd_backend;
using quire_test::error_of;
using clock_type = std::chrono::steady_clock;

namespace {

using pool_type = quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch, rbd_backend>;

struct account {
    std::int64_t number;
    std::int64_t cents;
};
BOOST_DESCRIBE_STRUCT(account, (), (number, cents))

std::string folder_of(std::string const& cluster) {
    char const* const folder = std::getenv("QUIRE_CEPH");
    return folder == nullptr ? std::string{} : std::string{folder} + '/' + cluster;
}
/// Empty when there is no such cluster.
std::string configuration(std::string const& cluster) {
    auto const path = folder_of(cluster) + "/ceph.conf";
    return std::filesystem::exists(path) ? path : std::string{};
}
/// A path that no earlier run of a test has used.
std::string new_image(std::string const& name) {
    return "quire/" + name + '-' + std::to_string(::getpid());
}
quire::pool_options<rbd_backend> options(std::string const& conf) {
    return {.frames = 64, .wait_max = 100s, .backend = {.config = conf}};
}

/// A process that does `act`, to be stopped and killed. Its exit status is what `act` returns.
class process {
public:
    explicit process(std::function<int()> const& act) {
        if (::pipe(ready_) != 0) { throw std::runtime_error{"pipe"}; }
        child_ = ::fork();
        if (child_ == 0) {
            try {
                ready_fd = ready_[1];
                ::_exit(act());
            } catch (std::exception const& e) {
                std::fprintf(stderr, "%s\n", e.what());
                ::_exit(99);
            }
        }
        ::close(ready_[1]);
    }
    ~process() {
        if (child_ > 0) {
            send(SIGKILL);
            static_cast<void>(status());
        }
        ::close(ready_[0]);
    }
    /// In the child: what the parent waits for is there.
    static void say_ready() {
        char const byte = 1;
        static_cast<void>(::write(ready_fd, &byte, 1) == 1);
    }
    void wait_until_ready() const {
        char byte = 0;
        REQUIRE(::read(ready_[0], &byte, 1) == 1);
    }
    void send(int signal) const { ::kill(child_, signal); }
    int status() {
        int status = 0;
        ::waitpid(std::exchange(child_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

private:
    static inline int ready_fd = -1;
    int ready_[2] = {-1, -1};
    ::pid_t child_ = -1;
};

/// Of the cluster that a test has made.
void command(std::string const& what, std::string const& cluster, std::string const& more = {}) {
    auto const text =
        std::string{QUIRE_CEPH_CLUSTER} + ' ' + what + ' ' + folder_of(cluster) + ' ' + more;
    INFO(text);
    REQUIRE(std::system(text.c_str()) == 0);
}

/// One row a page, with the page's number.
void add_row(pool_type::file const& file) {
    auto page = file.append<quire::heap_page>();
    auto const number = static_cast<std::int64_t>(page.page_no().value());
    page->insert(account{number, 7 * number}).value();
}
void expect_rows(pool_type::file const& file, std::int64_t count) {
    REQUIRE(file.pages() >= static_cast<std::uint64_t>(count));
    for (std::int64_t number = 0; number < count; ++number) {
        auto const page = file.read<quire::heap_page>(static_cast<std::uint64_t>(number));
        auto const row = page->row<account>(quire::slot_id{0});
        REQUIRE(row.get<&account::cents>() == 7 * number);
    }
}

}  // namespace

TEST_CASE("rbd cluster: the backend keeps the rules of the concept") {
    auto const conf = configuration("shared");
    if (conf.empty()) { return quire_test::skip("no Ceph cluster"); }
    auto const found = quire::testing::check_backend<rbd_backend>(
        {.path = new_image("check"), .locks = false, .wait_max = 60s}, {.config = conf});
    INFO(found.text());
    CHECK(found.passed());
}

TEST_CASE("rbd cluster: what one pool has flushed another one reads, at random and in a stream") {
    auto const conf = configuration("shared");
    if (conf.empty()) { return quire_test::skip("no Ceph cluster"); }
    auto const path = new_image("rows");
    {
        pool_type pool{options(conf)};
        auto file = pool.open(path, open_mode::create_new);
        for (int i = 0; i < 300; ++i) { add_row(file); }
        file.close();
    }
    pool_type pool{options(conf)};
    auto file = pool.open(path, open_mode::read_write);
    CHECK(file.pages() == 300);  // cut: no pages behind them
    expect_rows(file, 300);
    std::int64_t next = 0;
    for (auto& page : file.scan<quire::heap_page>()) {
        CHECK(page->row<account>(quire::slot_id{0}).get<&account::number>() == next++);
    }
    CHECK(next == 300);
    CHECK(pool.stats().evictions > 0);
    auto const other = error_of([&] {
        pool_type second{options(conf)};
        second.open(path, open_mode::read_write).close();
    });
    CHECK(other.kind() == errc::file_locked);
    file.close();
}

TEST_CASE("rbd cluster: when an owner is killed the next one waits, and has what was flushed") {
    auto const conf = configuration("shared");
    if (conf.empty()) { return quire_test::skip("no Ceph cluster"); }
    auto const path = new_image("killed");
    process owner{[&] {
        pool_type pool{options(conf)};
        auto file = pool.open(path, open_mode::create_new);
        for (int i = 0; i < 40; ++i) { add_row(file); }
        file.flush();
        process::say_ready();
        std::this_thread::sleep_for(100s);
        return 1;
    }};
    owner.wait_until_ready();
    CHECK(error_of([&] {
              auto impatient = options(conf);
              impatient.backend.lock_wait_max = 0s;
              pool_type second{impatient};
              second.open(path, open_mode::read_write).close();
          }).kind() == errc::file_locked);
    owner.send(SIGKILL);
    CHECK(owner.status() == -SIGKILL);
    pool_type pool{options(conf)};
    auto file = pool.open(path, open_mode::read_write);
    expect_rows(file, 40);
    CHECK(file.pages() == 1024);  // the end of the step in which the image had grown
    CHECK(error_of([&] { file.read(40).release(); }).kind() == errc::blank_page);
    file.close();
}

TEST_CASE("rbd cluster: an owner that was away is fenced: nothing of it is written afterwards") {
    auto const conf = configuration("shared");
    if (conf.empty()) { return quire_test::skip("no Ceph cluster"); }
    auto const path = new_image("fenced");
    process owner{[&] {
        pool_type pool{options(conf)};
        auto file = pool.open(path, open_mode::create_new);
        add_row(file);
        file.flush();
        process::say_ready();
        auto const until = clock_type::now() + 200s;
        while (clock_type::now() < until) {
            std::this_thread::sleep_for(100ms);
            try {
                {
                    auto page = file.write<quire::heap_page>(0);
                    page->row<account>(quire::slot_id{0}).set<&account::cents>(-1);
                }
                file.flush();
            } catch (quire::error const& e) {
                auto const again = error_of([&] { file.append().release(); });
                auto const page = file.read<quire::heap_page>(0);
                bool const is_read = page->slot_count() == 1;
                return e.kind() == errc::lock_lost && again.kind() == errc::lock_lost && is_read
                           ? 0
                           : 2;
            }
        }
        return 3;
    }};
    owner.wait_until_ready();
    owner.send(SIGSTOP);
    pool_type pool{options(conf)};
    auto file = pool.open(path, open_mode::read_write);
    {
        auto page = file.write<quire::heap_page>(0);
        page->row<account>(quire::slot_id{0}).set<&account::cents>(1234);
    }
    file.flush();
    owner.send(SIGCONT);
    CHECK(owner.status() == 0);
    file.close();
    file = pool.open(path, open_mode::read_write);
    {
        auto const page = file.read<quire::heap_page>(0);
        CHECK(page->row<account>(quire::slot_id{0}).get<&account::cents>() == 1234);
    }
    file.close();
}

TEST_CASE("rbd cluster: writes that timed out are not done over what the next owner wrote") {
    auto const conf = configuration("shared");
    if (conf.empty()) { return quire_test::skip("no Ceph cluster"); }
    command("start", "two", "memstore 2");
    auto const two = configuration("two");
    constexpr std::int64_t count = 200;
    auto const set_all = [](pool_type::file const& file, std::int64_t cents) {
        for (std::int64_t i = 0; i < count; i += 2) {  // no neighbours
            auto page = file.write<quire::heap_page>(static_cast<std::uint64_t>(i));
            page->row<account>(quire::slot_id{0}).set<&account::cents>(cents);
        }
    };
    auto its = options(two);
    its.frames = 512;
    process owner{[&, its]() mutable {
        its.backend.op_time_max = 2s;
        pool_type pool{its};
        auto file = pool.open("quire/late", open_mode::create_new);
        for (std::int64_t i = 0; i < count; ++i) { add_row(file); }
        file.flush();
        command("pause-osd", "two", "0");
        command("pause-osd", "two", "1");
        set_all(file, -1);
        auto const late = error_of([&] { file.flush(); });
        auto const closed = error_of([&] { file.close(quire::unwritten::discard); });
        if (late.system_errno() != ETIMEDOUT || closed.system_errno() != ETIMEDOUT) { return 2; }
        process::say_ready();
        std::this_thread::sleep_for(100s);
        return 1;
    }};
    owner.wait_until_ready();
    command("resume-osd", "two", "0");
    command("resume-osd", "two", "1");
    CHECK(error_of([&] {
              pool_type pool{its};
              pool.open("quire/late", open_mode::read_write).close();
          }).kind() == errc::file_locked);
    owner.send(SIGKILL);
    pool_type pool{its};
    auto file = pool.open("quire/late", open_mode::read_write);
    set_all(file, 1234);
    file.close();
    for (int look = 0; look < 3; ++look) {
        std::this_thread::sleep_for(300ms);
        pool_type anew{its};
        auto const next = anew.open("quire/late", open_mode::read_write);
        for (std::uint64_t i = 0; i < count; i += 2) {
            auto const page = next.read<quire::heap_page>(i);
            CHECK(page->row<account>(quire::slot_id{0}).get<&account::cents>() == 1234);
        }
    }
    command("stop", "two");
}

TEST_CASE("rbd cluster: nothing acknowledged is lost when the OSD and the program are killed") {
    auto const conf = configuration("shared");
    if (conf.empty()) { return quire_test::skip("no Ceph cluster"); }
    command("start", "own", "bluestore");  // a kill -9 empties a memstore
    auto const own = configuration("own");
    constexpr std::int64_t pages = 8;
    constexpr std::int64_t each = 1000;
    using log_type = quire::redo_log<rbd_backend>;
    auto const open_all = [&](auto use) {
        log_type log{"quire/log", {.bytes = 1 << 20, .backend = {.config = own}}};
        pool_type pool{options(own), log};
        auto file = pool.open("quire/bank", open_mode::open_or_create, {.logged = true});
        return use(log, pool, file);
    };
    auto const move = [&](pool_type& pool, pool_type::file& file, std::int64_t from,
                          std::int64_t to) {
        return pool.change([&](auto& change) {
            for (auto const& [no, cents] : {std::pair{from, -1}, std::pair{to, 1}}) {
                auto page =
                    change.template write<quire::heap_page>(file, static_cast<std::uint64_t>(no));
                auto row = page->template row<account>(quire::slot_id{0});
                row.template set<&account::cents>(row.template get<&account::cents>() + cents);
            }
        });
    };
    // The child counts its durable changes in shared memory: what it has been told.
    auto* const durable = static_cast<std::atomic<std::int64_t>*>(
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    REQUIRE(static_cast<void*>(durable) != MAP_FAILED);
    process owner{[&] {
        return open_all([&](log_type& log, pool_type& pool, pool_type::file& file) {
            pool.change([&](auto& change) {
                for (std::int64_t i = 0; i < pages; ++i) {
                    auto page = change.template append<quire::heap_page>(file);
                    static_cast<void>(page->insert(account{i, each}));
                }
            });
            log.sync(log.end());
            process::say_ready();
            for (std::int64_t n = 0;; ++n) {
                log.sync(move(pool, file, 0, 1 + n % (pages - 1)));
                durable->fetch_add(1);
                if (n % 50 == 49) { file.write_back(); }
            }
            return 1;
        });
    }};
    owner.wait_until_ready();
    std::this_thread::sleep_for(1s);
    auto const before = durable->load();
    command("kill-osd", "own");
    std::this_thread::sleep_for(2s);
    auto const while_away = durable->load();
    command("start-osd", "own");
    auto const until = clock_type::now() + 60s;
    while (durable->load() < while_away + 20 && clock_type::now() < until) {
        std::this_thread::sleep_for(50ms);
    }
    CHECK(before > 0);
    CHECK(durable->load() >= while_away + 20);  // ops that were under way went on
    command("kill-osd", "own");
    owner.send(SIGKILL);
    CHECK(owner.status() == -SIGKILL);
    command("start-osd", "own");
    open_all([&](log_type&, pool_type&, pool_type::file& file) {
        std::int64_t sum = 0;
        std::int64_t moved = 0;
        for (std::int64_t i = 0; i < pages; ++i) {
            auto const page = file.read<quire::heap_page>(static_cast<std::uint64_t>(i));
            auto const cents = page->row<account>(quire::slot_id{0}).get<&account::cents>();
            sum += cents;
            if (i == 0) { moved = each - cents; }
        }
        CHECK(sum == pages * each);
        CHECK(moved >= durable->load());
        CHECK(moved <= durable->load() + 1);
        file.close();
        return 0;
    });
    ::munmap(durable, 4096);
    command("stop", "own");
}
