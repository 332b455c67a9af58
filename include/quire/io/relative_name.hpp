// SPDX-License-Identifier: BSL-1.0
#pragma once

/// relative_name: a path as seen from the folder of another file. By such names a pool's log knows
/// the files, so that a folder with a log and its files may be moved, and the program's own folder
/// does not matter.
///
/// By the characters alone: a symbolic link is a name like any other, and a file that is reached by
/// two names is two files to a log.

#include <quire/io/detail/current_folder.hpp>

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

/// `path` as seen from the folder in which `log_path` is.
[[nodiscard]] inline std::string relative_name(std::string_view path, std::string_view log_path) {
    auto const file = steps_to(path);
    auto const log = steps_to(log_path);
    std::size_t same = 0;
    while (same + 1 < log.size() && same + 1 < file.size() && log[same] == file[same]) { ++same; }
    std::string name;
    for (auto up = same + 1; up < log.size(); ++up) { name += "../"; }
    for (auto i = same; i < file.size(); ++i) { name += (i > same ? "/" : "") + file[i]; }
    return name;
}

}  // namespace quire::inline QUIRE_ABI::detail
