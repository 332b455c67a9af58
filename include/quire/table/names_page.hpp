// SPDX-License-Identifier: BSL-1.0
#pragma once

/// names_page: names of roots for which page 0 of a file of tables has no room.
///
/// Byte map, behind the common header of 24 bytes (page_header.hpp; kind 9, version 1):
///
///    24   8   fields of the slotted layout (page/slotted.hpp)
///    32   8   next: the next page of the chain; 0 in the last one
///    40       line pointers, and roots as tuples (detail/roots_page.hpp)
///
/// The chain begins in page 0 (catalog_page.hpp), and a page stays in it as long as the file lives.
///
/// Invariants (of a page that `validate` passes)
///   I1. The roots keep the invariants of detail/roots_page.hpp.
/// of every operation
///   I2. Any bytes are a legal page: a contradiction is errc::corrupt_page, and nothing changes.
///
/// That numbers are below the next number of page 0, and names unlike those of other pages,
/// catalog::check asks: a page cannot know.
/// Cost: finding a name looks at every root. Nothing allocates.

#include <quire/table/detail/roots_page.hpp>

namespace quire::inline QUIRE_ABI {

template <page_byte Byte, std::size_t PageSize>
class QUIRE_POINTER names_page
    : public detail::roots_page<names_page, Byte, PageSize, detail::own_header<kind_no::names, 1>,
                                32> {
    using roots = detail::roots_page<names_page, Byte, PageSize,
                                     detail::own_header<kind_no::names, 1>, 32>;

public:
    using names_page::roots_page::roots_page;

    /// Throws errc::corrupt_page, naming what is wrong, unless the page keeps I1.
    /// Cost: O(roots * roots + bytes).
    void validate() const { this->validate_roots(0); }
};

static_assert(page_kind<names_page, 512> && page_kind<names_page, 32768>);

}  // namespace quire::inline QUIRE_ABI
