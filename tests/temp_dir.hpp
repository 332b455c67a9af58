// SPDX-License-Identifier: BSL-1.0
#pragma once

/// temp_dir: a fresh directory of one test, below the directory the test runs in.
///
/// Not below /tmp: that may be a tmpfs, which has no direct I/O. The directory and everything in
/// it are removed when the object goes.

#include <cerrno>        // errno
#include <cstdlib>       // mkdtemp
#include <filesystem>    // std::filesystem::path
#include <string>        // std::string
#include <string_view>   // std::string_view
#include <system_error>  // std::system_error, std::error_code

namespace quire_test {

class temp_dir {
public:
    temp_dir() {
        auto name = (std::filesystem::current_path() / "tmp-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::system_error{errno, std::generic_category(), "mkdtemp " + name};
        }
        path_ = name;
    }

    temp_dir(temp_dir const&) = delete;
    temp_dir& operator=(temp_dir const&) = delete;

    ~temp_dir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] std::filesystem::path const& path() const noexcept { return path_; }

    /// The path of a file in the directory; the file is not made.
    [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
        return path_ / name;
    }

private:
    std::filesystem::path path_;
};

}  // namespace quire_test

using quire_test::temp_dir;
