// SPDX-License-Identifier: BSL-1.0
#include <quire/base/error.hpp>

#include "catch.hpp"

#include <cerrno>
#include <set>
#include <string>
#include <system_error>

using quire::errc;
using quire::error;
using quire::file_no;
using quire::page_id;

namespace {

constexpr int first_code = static_cast<int>(errc::open_failed);
constexpr int last_code = static_cast<int>(errc::duplicate_key);

}  // namespace

static_assert(std::is_error_code_enum_v<errc>);
static_assert(std::is_base_of_v<std::system_error, error>);

TEST_CASE("error: is a system_error whose code compares with errc") {
    error const e{errc::corrupt_page, "read"};
    CHECK(e.code() == errc::corrupt_page);
    CHECK(e.code() != errc::blank_page);
    CHECK(e.kind() == errc::corrupt_page);
    CHECK(e.code().category() == quire::error_category());
    CHECK(std::string{e.code().category().name()} == "quire");
    CHECK_THROWS_AS(throw e, std::system_error);
}

TEST_CASE("error: a code of quire is not the errno of the same number") {
    std::error_code const code = errc::open_failed;
    CHECK(code.value() == 1);
    CHECK(code != std::error_code{1, std::generic_category()});
    CHECK(code != std::error_code{1, std::system_category()});
    CHECK(code);
}

TEST_CASE("error: keeps operation and page and errno") {
    error const e{errc::read_failed, "read", page_id{file_no{3}, 42}, EIO};
    CHECK(e.operation() == "read");
    CHECK(e.page() == page_id{file_no{3}, 42});
    CHECK(e.system_errno() == EIO);

    error const plain{errc::bad_option, "make a pool"};
    CHECK(plain.page() == page_id::none());
    CHECK(plain.system_errno() == 0);
}

TEST_CASE("error: what says all of it in one line") {
    std::string const eio = std::generic_category().message(EIO);
    auto const what = [](auto const&... args) { return std::string{error{args...}.what()}; };
    CHECK(what(errc::bad_option, "make a pool") == "make a pool: bad option");
    CHECK(what(errc::read_failed, "read", page_id{file_no{3}, 42}, EIO) ==
          "read of page 42 (" + eio + "): read failed");
    CHECK(what(errc::open_failed, "open a.db", page_id::none(), EIO) ==
          "open a.db (" + eio + "): cannot open file");
    CHECK(what(errc::corrupt_page, "validate", page_id{file_no::unknown, 7}) ==
          "validate of page 7: page is corrupt");
    CHECK(what(errc::corrupt_page, "check", page_id{file_no{0}, 0}) ==
          "check of page 0: page is corrupt");
}

TEST_CASE("error: owns its operation") {
    std::string name = "open some-file-with-a-rather-long-name.db";
    error const e{errc::open_failed, name};
    name.assign(name.size(), 'x');
    CHECK(e.operation() == "open some-file-with-a-rather-long-name.db");
    error const copy = e;
    CHECK(copy.operation() == e.operation());
    CHECK(std::string{copy.what()} == e.what());
}

TEST_CASE("error: every code has a message of its own") {
    std::set<std::string> messages;
    for (int code = first_code; code <= last_code; ++code) {
        auto const text = quire::error_category().message(code);
        CAPTURE(code, text);
        CHECK_FALSE(text.empty());
        CHECK(text != "unknown error");
        CHECK(text.find('\n') == std::string::npos);
        messages.insert(text);
    }
    CHECK(messages.size() == static_cast<std::size_t>(last_code - first_code + 1));
    CHECK(quire::error_category().message(last_code + 1) == "unknown error");
    CHECK(quire::error_category().message(0) == "unknown error");
}

// A shared object with its own copy of the category made codes that were equal to nothing.
TEST_CASE("error: codes are equal whatever object their category is") {
    static struct : std::error_category {
        char const* name() const noexcept override { return "quire"; }
        std::string message(int) const override { return "of another shared object"; }
    } const other;
    std::error_code const code{static_cast<int>(errc::in_use), other};
    CHECK(code == errc::in_use);
    CHECK(errc::in_use == code);
    CHECK(code != errc::forked);
    CHECK(std::error_code{static_cast<int>(errc::in_use), std::generic_category()} != errc::in_use);
    CHECK(make_error_code(errc::in_use) == errc::in_use);
}

TEST_CASE("error: the message has the file, and why") {
    error const e{errc::timed_out, "read",
                  {.page = page_id{file_no{3}, 42},
                   .system = EIO,
                   .path = "users.db",
                   .why = "wall"}};
    CHECK(std::string{e.what()} == "read of page 42 of users.db (" +
                                       std::generic_category().message(EIO) + ": wall): timed out");
    CHECK(e.path() == "users.db");
    CHECK(error{errc::forked, "open"}.path().empty());
    CHECK(std::string{error{errc::in_use, "flush", {.path = "a", .why = "b"}}.what()} ==
          "flush of a (b): a page of the file is in use");
}
