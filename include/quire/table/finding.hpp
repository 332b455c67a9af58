// SPDX-License-Identifier: BSL-1.0
#pragma once

/// finding: what a check of a catalog, a heap file or a tree found to be wrong: for people.

#include <quire/base/error.hpp>
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

namespace detail {

/// Whether the error tells what the pages contain, and not that they could not be looked at.
[[nodiscard]] inline bool is_about_content(errc kind) noexcept {
    return kind == errc::corrupt_page || kind == errc::blank_page ||
           kind == errc::wrong_page_kind || kind == errc::page_out_of_range ||
           kind == errc::short_read;
}

}  // namespace detail

}  // namespace quire::inline QUIRE_ABI
