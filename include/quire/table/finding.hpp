// SPDX-License-Identifier: BSL-1.0
#pragma once

/// finding: what a check of a file has found to be wrong, for people.

#include <quire/base/page_id.hpp>

#include <string>  // std::string
#include <vector>  // std::vector

namespace quire::inline QUIRE_ABI {

struct finding {
    page_no page;      ///< where
    std::string text;  ///< what
};
using findings = std::vector<finding>;

}  // namespace quire::inline QUIRE_ABI
