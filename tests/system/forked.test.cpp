// SPDX-License-Identifier: BSL-1.0

/// A process forks while it has a pool with dirty pages open.
///
/// Expected. A child is recognised even when its process id is the parent's, and when it was forked
/// while another thread opened a file. In the child every operation is errc::forked, with a name;
/// also the write that would first have to write others back, since too many are dirty; nothing of
/// the parent's file changes, not even by the pool's destructor, which reports no loss. The parent
/// goes on; its lock is there while the child lives, and goes when the parent closes, although the
/// child lives.

#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"
#include "system/pages.hpp"

#include <atomic>
#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace quire_test;
using quire::errc;
using quire::open_mode;

namespace {

std::string bytes_of(fs::path const& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

/// Eight written pages, of which the last two are dirty with version 2; two may be.
struct pool_with_dirty_pages {
    pool_with_dirty_pages() {
        auto options = quire_test::frames(4);
        options.on_loss = [this](std::string const&, quire::error const&) { lost = true; };
        pool = std::make_unique<plain_pool>(options);
        auto file_options = as_offered;
        file_options.dirty_pages_max = 2;
        file.emplace(pool->open(path(), open_mode::open_or_create, file_options));
        for (int i = 0; i < 8; ++i) { append_version(*file, 1); }
        file->flush();
        put_version(*file, 6, 2);
        put_version(*file, 7, 2);
        before = bytes_of(path());
    }
    [[nodiscard]] fs::path path() const { return dir / "f"; }

    quire_test::temp_dir dir;
    bool lost = false;
    std::unique_ptr<plain_pool> pool;
    std::optional<plain_file> file;
    std::string before;
};

}  // namespace

TEST_CASE("forked: every operation is refused in the child, which changes nothing") {
    pool_with_dirty_pages p;
    auto& pool = *p.pool;
    auto& file = *p.file;
    auto const start = bytes_of(p.path());
    std::unique_ptr<decltype(file.scan())> stream{new auto(file.scan())};
    static_cast<void>(stream->next());
    CHECK(failure_of([&]() -> std::string {
              auto const forked = [](auto call) { return refused(call, errc::forked); };
              MUST(forked([&] { static_cast<void>(version_on(file, 7)); }));  // was a hit
              MUST(forked([&] { static_cast<void>(version_on(file, 0)); }));  // a miss
              MUST(forked([&] { static_cast<void>(file.append()); }));
              MUST(forked([&] { static_cast<void>(file.format(0)); }));
              MUST(forked([&] { static_cast<void>(file.pin(0)); }));
              MUST(forked([&] { static_cast<void>(file.prefetch({0, 1})); }));
              MUST(forked([&] {
                  auto scan = file.scan();
                  static_cast<void>(scan.next());
              }));
              MUST(forked([&] { static_cast<void>(stream->next()); }));
              stream.reset();
              MUST(forked([&] { file.flush(); }));
              MUST(forked([&] { file.write_back(); }));
              MUST(forked([&] { file.reserve(1); }));
              MUST(forked([&] { file.discard(7); }));
              MUST(forked([&] { file.truncate(1); }));
              MUST(forked([&] { file.close(); }));
              MUST(forked([&] { file.close(quire::unwritten::discard); }));
              MUST(forked([&] { pool.flush(); }));
              MUST(forked([&] { static_cast<void>(pool.reserve(1)); }));
              MUST(forked([&] {
                  static_cast<void>(pool.open(p.dir / "g", open_mode::open_or_create, as_offered));
              }));
              MUST(!fs::exists(p.dir / "g"));
              int const fd = ::open((p.dir / "h").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
              MUST(forked([&] { static_cast<void>(pool.adopt(fd, "h", as_offered)); }));
              MUST(::fcntl(fd, F_GETFD) == -1);
              p.pool.reset();
              MUST(!p.lost);
              MUST(bytes_of(p.path()) == p.before);
              return {};
          }) == "");
    stream.reset();
    CHECK(bytes_of(p.path()) == start);
    CHECK(all_have(file, 6, 8, 2));
    file.close();
    file = pool.open(p.path(), open_mode::read_only, as_offered);
    CHECK(all_have(file, 0, 6, 1));
    CHECK(all_have(file, 6, 8, 2));
}

// A writer that finds too many pages dirty writes some of them back before it looks for its page.
// The child has the list of them, which is memory like any other, but not the pages.
TEST_CASE("forked: a child's write past the limit of dirty pages writes nothing back") {
    pool_with_dirty_pages p;
    CHECK(failure_of([&]() -> std::string {
              auto const failed = thrown_by([&] { static_cast<void>(p.file->write(0)); });
              MUST(failed);
              MUST(failed->kind() == errc::forked);
              MUST(failed->operation() == "write");
              MUST(bytes_of(p.path()) == p.before);
              return {};
          }) == "");
    CHECK(bytes_of(p.path()) == p.before);
    CHECK(all_have(*p.file, 6, 8, 2));
    put_version(*p.file, 0, 3);  // the parent's own writes two pages back
    CHECK(p.file->stats().write_backs >= 10);
    p.file->flush();
    CHECK(version_on(*p.file, 0) == 3);
}

namespace {

/// A child that does nothing, with the pool or after its end there, until it is killed.
::pid_t idle_child(pool_with_dirty_pages& p, bool ends_the_pool) {
    ::pid_t const child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (ends_the_pool) { p.pool.reset(); }
        for (;;) { ::raise(SIGSTOP); }
    }
    while (::waitpid(child, nullptr, WUNTRACED) < 0 && errno == EINTR) {}
    return child;
}

/// Whether a reader is kept out of the file.
bool is_locked(fs::path const& path) {
    plain_pool other{quire_test::frames(4)};
    auto const failed = thrown_by([&] {
        static_cast<void>(other.open(path, open_mode::read_only, as_offered));
    });
    return failed && failed->kind() == errc::file_locked;
}

}  // namespace

TEST_CASE("forked: the parent goes on, and has the lock, while the child lives and when it ends") {
    for (bool ends_the_pool : {true, false}) {
        CAPTURE(ends_the_pool);
        pool_with_dirty_pages p;
        auto& file = *p.file;
        ::pid_t const child = idle_child(p, ends_the_pool);
        REQUIRE(child >= 0);
        put_version(file, 0, 3);
        append_version(file, 3);
        file.flush();
        CHECK(all_have(file, 1, 6, 1));
        CHECK(is_locked(p.path()));
        file.close();
        CHECK_FALSE(is_locked(p.path()));  // although the child may have the descriptor still
        file = p.pool->open(p.path(), open_mode::read_write, as_offered);
        CHECK(file.pages() == 9);
        CHECK(version_on(file, 8) == 3);
        ::kill(child, SIGKILL);
        while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {}
        CHECK(is_locked(p.path()));
        put_version(file, 1, 4);
        file.flush();
        CHECK(version_on(file, 1) == 4);
    }
}

namespace {

/// The child of a child, both of which are number 1 in a PID namespace of their own; the result of
/// `in_second(pid)` there. Empty as well where the system refuses such namespaces.
template <class Fn>
std::string twice_number_one(Fn in_second) {
    return failure_of([&]() -> std::string {
        if (::unshare(CLONE_NEWPID) != 0) { return {}; }
        return failure_of([&]() -> std::string {
            MUST(::getpid() == 1);
            pool_with_dirty_pages p;
            MUST(::unshare(CLONE_NEWPID) == 0);
            return failure_of([&]() -> std::string {
                MUST(::getpid() == 1);
                return in_second(p);
            });
        });
    });
}

}  // namespace

// The first process of a container is number 1, and so is its child in a namespace of its own: a
// pool that compared process ids read frames that are not there.
TEST_CASE("forked: a child with the same process id is a child") {
    CHECK(twice_number_one([](pool_with_dirty_pages& p) -> std::string {
              MUST(refused([&] { static_cast<void>(version_on(*p.file, 7)); }, errc::forked));
              MUST(refused([&] { p.file->flush(); }, errc::forked));
              p.pool.reset();
              MUST(!p.lost);
              return {};
          }) == "");
}

// The mutex of opening is held in the child for ever: it asks first whose pool this is.
TEST_CASE("forked: a child of a process that opens a file waits for nobody") {
    pool_with_dirty_pages p;
    std::atomic<bool> stop{false};
    std::thread opens{[&] {
        while (!stop) {
            auto other = p.pool->open(p.dir / "other", open_mode::open_or_create, as_offered);
            other.close();
        }
    }};
    std::string failure;
    for (int i = 0; i < 50 && failure.empty(); ++i) {
        failure = failure_of([&]() -> std::string {
            MUST(refused(
                [&] { static_cast<void>(p.pool->open(p.dir / "g", open_mode::open_or_create)); },
                errc::forked));
            MUST(p.pool->path(quire::file_no{0}).empty());
            return {};
        });
    }
    stop = true;
    opens.join();
    CHECK(failure == "");
}

namespace {

/// A process that writes a file, and its child, which lives on when the process is killed.
class writer_with_child {
public:
    writer_with_child(fs::path const& path, bool child_ends_the_pool) {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        writer_ = ::fork();
        REQUIRE(writer_ >= 0);
        if (writer_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            auto pool = std::make_unique<plain_pool>(quire_test::frames(4));
            auto const file = pool->open(path, open_mode::open_or_create, as_offered);
            append_version(file, 1);
            file.flush();
            if (::fork() == 0) {
                ::alarm(30);
                if (child_ends_the_pool) { pool.reset(); }
                auto const self = ::getpid();
                if (::write(ends[1], &self, sizeof self) != sizeof self) { ::_exit(1); }
            }
            for (;;) { ::pause(); }
        }
        ::close(ends[1]);
        REQUIRE(::read(ends[0], &child_, sizeof child_) == sizeof child_);
        ::close(ends[0]);
    }
    writer_with_child(writer_with_child const&) = delete;
    writer_with_child& operator=(writer_with_child const&) = delete;
    ~writer_with_child() {
        if (child_ > 0) { ::kill(child_, SIGKILL); }
    }
    void kill_the_writer() const {
        ::kill(writer_, SIGKILL);
        while (::waitpid(writer_, nullptr, 0) < 0 && errno == EINTR) {}
    }

private:
    ::pid_t writer_ = 0;
    ::pid_t child_ = 0;
};

}  // namespace

// The child knows nothing of the file: it serves requests, or compresses a log.
TEST_CASE("forked: a child that ends its copy of the pool keeps no file locked") {
    for (bool ends_the_pool : {true, false}) {
        CAPTURE(ends_the_pool);
        quire_test::temp_dir const dir;
        writer_with_child const writer{dir / "f", ends_the_pool};
        CHECK(is_locked(dir / "f"));
        writer.kill_the_writer();
        CHECK(is_locked(dir / "f") == !ends_the_pool);
    }
}
