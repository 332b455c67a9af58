// SPDX-License-Identifier: BSL-1.0
#pragma once

/// smaps: what the system says of the mapping that an address lies in.

#include <cstddef>  // std::size_t
#include <cstdint>  // std::uintptr_t
#include <fstream>  // std::ifstream
#include <sstream>  // std::istringstream
#include <string>   // std::string

namespace quire_test {

/// The line of /proc/self/smaps that begins with `what`, for the mapping of `at`, and a space.
inline std::string smaps_line(void const* at, std::string const& what) {
    auto const address = reinterpret_cast<std::uintptr_t>(at);
    std::ifstream in{"/proc/self/smaps"};
    bool here = false;
    for (std::string line; std::getline(in, line);) {
        std::istringstream words{line};
        std::uintptr_t first = 0;
        std::uintptr_t last = 0;
        char dash = 0;
        if (words >> std::hex >> first >> dash >> last && dash == '-') {
            here = address >= first && address < last;
        } else if (here && line.starts_with(what)) {
            return line + ' ';
        }
    }
    return {};
}

/// Whether the system says it at all, and the reason of a skip if not.
inline bool has_smaps() { return std::ifstream{"/proc/self/smaps"}.good(); }
inline constexpr char const* no_smaps = "there is no /proc/self/smaps here";

/// Two letters each: nh no huge pages, dd left out of core dumps, lo locked, and others.
inline bool has_flag(void const* at, std::string const& flag) {
    return smaps_line(at, "VmFlags:").find(' ' + flag + ' ') != std::string::npos;
}

inline std::size_t resident_kib(void const* at) {
    std::istringstream words{smaps_line(at, "Rss:")};
    std::string name;
    std::size_t kib = 0;
    words >> name >> kib;
    return kib;
}

/// Of the whole process.
inline std::size_t resident_kib_of_all() {
    std::ifstream in{"/proc/self/status"};
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("VmRSS:")) { return std::stoul(line.substr(6)); }
    }
    return 0;
}

}  // namespace quire_test
