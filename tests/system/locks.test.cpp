// SPDX-License-Identifier: BSL-1.0

/// Two processes want one file, and what a lock outlives.
///
/// Expected: a writer has the file alone, readers share it, the other way round, too; who comes too
/// late is told errc::file_locked and has changed nothing; the lock ends with its holder, also when
/// that is killed; a descriptor that a pool refuses to adopt is closed and unlocked at once.

#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"
#include "system/pages.hpp"

#include <csignal>

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace quire_test;
using quire::errc;
using quire::open_mode;

namespace {

/// A process of its own that has the file open in a pool until it is killed.
class holder {
public:
    holder(fs::path const& path, open_mode mode) {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        child_ = ::fork();
        REQUIRE(child_ >= 0);
        if (child_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::close(ends[0]);
            try {
                plain_pool pool{quire_test::frames(4)};
                auto const file = pool.open(path, mode, as_offered);
                bool const reads = version_on(file, 0) == 1;
                if (mode != open_mode::read_only) { put_version(file, 1, 99); }  // stays dirty
                if (::write(ends[1], reads ? "y" : "n", 1) == 1) {
                    for (;;) { ::pause(); }
                }
            } catch (quire::error const&) {
            }
            ::_exit(1);
        }
        ::close(ends[1]);
        char said = 'n';
        has_it_ = ::read(ends[0], &said, 1) == 1 && said == 'y';
        ::close(ends[0]);
    }
    holder(holder const&) = delete;
    holder& operator=(holder const&) = delete;
    ~holder() { kill(); }

    [[nodiscard]] bool has_it() const { return has_it_; }
    /// It has no moment to close anything.
    void kill() {
        if (child_ <= 0) { return; }
        ::kill(child_, SIGKILL);
        while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {}
        child_ = 0;
    }

private:
    ::pid_t child_ = 0;
    bool has_it_ = false;
};

fs::path two_pages(quire_test::temp_dir const& dir) {
    plain_pool pool{quire_test::frames(4)};
    auto file = pool.open(dir / "f", open_mode::open_or_create, as_offered);
    append_version(file, 1);
    append_version(file, 1);
    file.close();
    return dir / "f";
}

bool opens(plain_pool& pool, fs::path const& path, open_mode mode) {
    auto const file = pool.open(path, mode, as_offered);
    bool const reads = version_on(file, 0) == 1;
    file.close();
    return reads;
}
bool is_locked(plain_pool& pool, fs::path const& path, open_mode mode) {
    return quire_test::thrown_by([&] {
               static_cast<void>(pool.open(path, mode, as_offered));
           })->kind() == errc::file_locked;
}

}  // namespace

TEST_CASE("locks: another process that writes excludes everybody until it is killed") {
    quire_test::temp_dir const dir;
    auto const path = two_pages(dir);
    holder writer{path, open_mode::read_write};
    REQUIRE(writer.has_it());
    plain_pool pool{quire_test::frames(4)};
    for (auto mode : {open_mode::read_write, open_mode::read_only, open_mode::open_or_create}) {
        CHECK(is_locked(pool, path, mode));
    }
    CHECK(fs::file_size(path) == 2 * page_bytes);
    writer.kill();
    CHECK(opens(pool, path, open_mode::read_only));
    CHECK(opens(pool, path, open_mode::read_write));
    auto const file = pool.open(path, open_mode::read_only, as_offered);
    CHECK(version_on(file, 1) == 1);  // what was dirty died
}

TEST_CASE("locks: other processes that read share the file, and exclude writers") {
    quire_test::temp_dir const dir;
    auto const path = two_pages(dir);
    holder first{path, open_mode::read_only};
    holder second{path, open_mode::read_only};
    REQUIRE(first.has_it());
    REQUIRE(second.has_it());
    plain_pool pool{quire_test::frames(4)};
    CHECK(opens(pool, path, open_mode::read_only));
    CHECK(is_locked(pool, path, open_mode::read_write));
    first.kill();
    CHECK(is_locked(pool, path, open_mode::read_write));
    second.kill();
    CHECK(opens(pool, path, open_mode::read_write));
}

TEST_CASE("locks: this process keeps others out, and lets them in when it closes") {
    quire_test::temp_dir const dir;
    auto const path = two_pages(dir);
    plain_pool pool{quire_test::frames(4)};
    auto file = pool.open(path, open_mode::read_write, as_offered);
    CHECK_FALSE(holder(path, open_mode::read_write).has_it());
    CHECK_FALSE(holder(path, open_mode::read_only).has_it());
    file.close();
    file = pool.open(path, open_mode::read_only, as_offered);
    CHECK_FALSE(holder(path, open_mode::read_write).has_it());
    CHECK(holder(path, open_mode::read_only).has_it());
    file.close();
    CHECK(holder(path, open_mode::read_write).has_it());
}

// ---- locks of other programs ----------------------------------------------------------------

namespace {

constexpr ::off_t pending = 0x4000'0000;  // SQLite's bytes: PENDING, RESERVED, SHARED
constexpr ::off_t reserved = pending + 1;
constexpr ::off_t shared = pending + 2;
constexpr ::off_t shared_bytes = 510;

/// Whether another process, by fcntl as SQLite does it, gets such a lock of the file.
bool gets(fs::path const& path, short type, ::off_t first, ::off_t count) {
    return in_child([&] {
               int const fd = ::open(path.c_str(), O_RDWR);
               struct ::flock lock {};
               lock.l_type = type;
               lock.l_whence = SEEK_SET;
               lock.l_start = first;
               lock.l_len = count;
               ::_exit(::fcntl(fd, F_SETLK, &lock) == 0 ? 0 : 1);
           }).exited_well();
}

quire::file_options with_lock(quire::file_lock const& lock) {
    auto options = as_offered;
    options.lock = lock;
    return options;
}

}  // namespace

TEST_CASE("locks: a reader that locks SQLite's shared bytes lets its writers begin") {
    quire_test::temp_dir const dir;
    auto const path = two_pages(dir);
    plain_pool pool{quire_test::frames(4)};
    {
        auto const file = pool.open(path, open_mode::read_only, as_offered);
        CHECK_FALSE(gets(path, F_WRLCK, reserved, 1));
        CHECK(gets(path, F_RDLCK, shared, shared_bytes));
        file.close();
    }
    {
        auto const file =
            pool.open(path, open_mode::read_only,
                      with_lock({.first = shared, .count = shared_bytes}));
        CHECK(version_on(file, 0) == 1);
        CHECK(gets(path, F_RDLCK, shared, shared_bytes));        // a reader
        CHECK(gets(path, F_WRLCK, reserved, 1));                 // a writer begins,
        CHECK(gets(path, F_WRLCK, pending, 1));                  // lets no reader begin,
        CHECK_FALSE(gets(path, F_WRLCK, shared, shared_bytes));  // and cannot change the file
        file.close();
    }
    CHECK(gets(path, F_WRLCK, shared, shared_bytes));
}

TEST_CASE("locks: a file is opened without a lock beside another writer") {
    quire_test::temp_dir const dir;
    auto const path = two_pages(dir);
    holder writer{path, open_mode::read_write};
    REQUIRE(writer.has_it());
    plain_pool pool{quire_test::frames(4)};
    auto const file = pool.open(path, open_mode::read_only, with_lock(quire::file_lock::none));
    CHECK(version_on(file, 0) == 1);
    file.close();
    CHECK(is_locked(pool, path, open_mode::read_only));  // the other's lock is still there
    writer.kill();
    auto const alone = pool.open(path, open_mode::read_write, with_lock(quire::file_lock::none));
    CHECK(gets(path, F_WRLCK, 0, 0));
    put_version(alone, 0, 2);
    alone.close();
}

TEST_CASE("locks: bytes that no file has cannot be locked") {
    quire_test::temp_dir const dir;
    auto const path = two_pages(dir);
    plain_pool pool{quire_test::frames(4)};
    constexpr auto size_max = (std::uint64_t{1} << 63) - 1;
    using quire::file_lock;
    for (auto const& lock :
         {file_lock{size_max + 1, 1}, file_lock{size_max + 1, 0}, file_lock{1, size_max}}) {
        auto const failed = quire_test::thrown_by([&] {
            static_cast<void>(pool.open(path, open_mode::read_write, with_lock(lock)));
        });
        REQUIRE(failed);
        CHECK(failed->kind() == errc::bad_option);
    }
    pool.open(path, open_mode::read_write, with_lock({.first = 1, .count = size_max - 1})).close();
    pool.open(path, open_mode::read_write, with_lock({.first = size_max})).close();
}

// ---- descriptors that are refused -----------------------------------------------------------

namespace {

/// Gives a pool, which can have `files_max` files and has one, the descriptor of a file of `bytes`
/// bytes. It is refused for the reason `why`, closed, and the file is unlocked right after,
/// although a second descriptor shares the open file, and would share the lock.
void check_refused(std::size_t files_max, errc why, std::string const& name,
                   quire::file_options const& options, std::uint64_t bytes) {
    quire_test::temp_dir const dir;
    auto const path = two_pages(dir);
    auto const spare = dir / "spare";
    fs::copy_file(path, spare);
    fs::resize_file(path, bytes);
    auto wanted = quire_test::frames(4);
    wanted.files_max = files_max;
    plain_pool pool{wanted};
    static_cast<void>(pool.open(spare, open_mode::read_only, as_offered));  // takes a place

    int const fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(fd >= 0);
    int const copy = ::dup(fd);
    auto const failed = quire_test::thrown_by([&] {
        static_cast<void>(pool.adopt(fd, name, options));
    });
    REQUIRE(failed);
    CHECK(failed->kind() == why);
    CHECK(::fcntl(fd, F_GETFD) == -1);
    fs::resize_file(path, 2 * page_bytes);
    plain_pool other{quire_test::frames(4)};
    CHECK(opens(other, path, open_mode::read_write));
    ::close(copy);
}

}  // namespace

TEST_CASE("locks: a refused descriptor is closed, and its lock given back") {
    auto unusable = as_offered;
    unusable.seal = {nullptr, nullptr};
    check_refused(4, errc::bad_option, "f", unusable, 2 * page_bytes);
    check_refused(4, errc::bad_option, "", as_offered, 2 * page_bytes);
    check_refused(1, errc::too_many_files, "f", as_offered, 2 * page_bytes);
    check_refused(4, errc::size_not_page_multiple, "f", as_offered, page_bytes + 100);
}
