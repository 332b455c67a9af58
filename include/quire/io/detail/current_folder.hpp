// SPDX-License-Identifier: BSL-1.0
#pragma once

/// current_folder: the process's working directory.

#include <quire/base/attributes.hpp>

#include <string>  // std::string

#include <unistd.h>  // getcwd

namespace quire::inline QUIRE_ABI::detail {

/// Its path; "/" when it was removed.
[[nodiscard]] inline std::string current_folder() {
    std::string path(4096, '\0');
    return ::getcwd(path.data(), path.size()) != nullptr ? path.c_str() : "/";
}

}  // namespace quire::inline QUIRE_ABI::detail
