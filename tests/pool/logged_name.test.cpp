// SPDX-License-Identifier: BSL-1.0

/// A log knows its files by their names. What must not happen: that a file has two, one of which
/// the log does not know, so that old records are played into newer pages.

#include <quire/pool/change.hpp>

#include <quire/page/heap_page.hpp>

#include "catch.hpp"
#include "pool/calls.hpp"
#include "temp_dir.hpp"

#include <filesystem>

namespace fs = std::filesystem;
using quire::errc;
using quire_test::refusal;
using quire_test::temp_dir;

namespace {

constexpr quire::file_options logged{.io = quire::io_mode::direct_or_buffered, .logged = true};

struct setting {
    explicit setting(fs::path const& path)
        : log{path, quire::redo_log_options<quire::direct_backend>{
                        .bytes = 1 << 20, .io = quire::io_mode::direct_or_buffered}} {}
    quire::redo_log<> log;
    quire::buffer_pool<> pool{{.frames = 16}, log};
};

}  // namespace

TEST_CASE("logged_name: links among the folders do not make another file of it") {
    temp_dir const dir;
    fs::create_directory(dir / "real");
    fs::create_directory_symlink("real", dir / "link");
    fs::create_directory_symlink(dir / "real", dir / "other");
    {
        setting s{dir / "link/log"};
        auto const file = s.pool.open(dir / "other/file", quire::open_mode::open_or_create, logged);
        auto const at = s.pool.change([&](quire::change<>& change) {
            static_cast<void>(change.append<quire::heap_page>(file));
        });
        s.log.sync(at);
        file.close(quire::unwritten::discard);  // as a crash
    }
    setting s{dir / "real/log"};
    auto const file = s.pool.open(dir / "link/file", quire::open_mode::read_write, logged);
    CHECK(file.pages() == 1);
    CHECK_NOTHROW(file.read<quire::heap_page>(0));
}

TEST_CASE("logged_name: a link is not opened logged") {
    temp_dir const dir;
    fs::create_symlink("file", dir / "link");
    setting s{dir / "log"};
    auto options = logged;
    options.follow_symlink = true;
    CHECK(refusal([&] {
        static_cast<void>(s.pool.open(dir / "link", quire::open_mode::open_or_create, options));
    }) == errc::bad_option);
    CHECK_FALSE(fs::exists(dir / "file"));
}
