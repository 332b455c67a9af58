// SPDX-License-Identifier: BSL-1.0
#pragma once

/// finding: what a check of a catalog, a heap file or a tree found to be wrong: for people.

#include <quire/base/page_id.hpp>

#include <string>  // std::string
#include <vector>  // std::vector

namespace quire::inline QUIRE_ABI {

struct finding {
    page_no page;      ///< where
    std::string text;  ///< what

    friend bool operator==(finding const&, finding const&) = default;
};
/// In the order of discovery; empty when nothing is wrong.
using findings = std::vector<finding>;

}  // namespace quire::inline QUIRE_ABI
