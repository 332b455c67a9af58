// SPDX-License-Identifier: BSL-1.0
#pragma once

/// relative_name: a path as seen from the folder of another file. By such names a pool's log knows
/// the files, so that a folder with a log and its files may be moved.
///
/// Symbolic links among the folders are resolved, where the folder exists. A file that has two
/// names there (hard links) is two files to a log.

#include <quire/io/detail/current_folder.hpp>

#include <cerrno>       // ENOMEM
#include <cstdlib>      // realpath
#include <memory>       // std::unique_ptr
#include <new>          // std::bad_alloc
#include <string>       // std::string
#include <string_view>  // std::string_view
#include <vector>       // std::vector

namespace quire::inline QUIRE_ABI::detail {

/// The names on the way from the root to `path`: no dots among them.
[[nodiscard]] inline std::vector<std::string> steps_to(std::string_view path) {
    std::vector<std::string> steps;
    if (!path.starts_with('/')) { steps = steps_to(current_folder()); }
    while (!path.empty()) {
        auto const end = path.find('/');
        auto const step = path.substr(0, end);
        path = end == path.npos ? std::string_view{} : path.substr(end + 1);
        if (step == "..") {
            if (!steps.empty()) { steps.pop_back(); }
        } else if (!step.empty() && step != ".") {
            steps.emplace_back(step);
        }
    }
    return steps;
}

/// `path` without symbolic links among its folders, if these exist.
[[nodiscard]] inline std::string in_real_folder(std::string_view path) {
    auto const slash = path.rfind('/');
    auto const folder = slash == path.npos ? std::string{"."} : std::string{path.substr(0, slash)};
    auto const release = [](char* text) { std::free(text); };
    std::unique_ptr<char, decltype(release)> const real{
        ::realpath(folder.empty() ? "/" : folder.c_str(), nullptr), release};
    if (real == nullptr) {
        if (errno == ENOMEM) { throw std::bad_alloc{}; }
        return std::string{path};
    }
    return std::string{real.get()} + '/' +
           std::string{slash == path.npos ? path : path.substr(slash + 1)};
}

/// `path` as seen from the folder in which `log_path` is.
[[nodiscard]] inline std::string relative_name(std::string_view path, std::string_view log_path) {
    auto const file = steps_to(in_real_folder(path));
    auto const log = steps_to(in_real_folder(log_path));
    std::size_t same = 0;
    while (same + 1 < log.size() && same + 1 < file.size() && log[same] == file[same]) { ++same; }
    std::string name;
    for (auto up = same + 1; up < log.size(); ++up) { name += "../"; }
    for (auto i = same; i < file.size(); ++i) { name += (i > same ? "/" : "") + file[i]; }
    return name;
}

}  // namespace quire::inline QUIRE_ABI::detail
