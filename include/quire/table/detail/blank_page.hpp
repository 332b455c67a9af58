// SPDX-License-Identifier: BSL-1.0
#pragma once

/// blank_page: pages of a file that were never written, as a crash leaves them.
///
/// Reading one is blank_page. But no_seal knows none, and blank_pages::shown shows them: there it
/// is a page of zeros, which is of no kind in table/.

#include <quire/pool/buffer_pool.hpp>

namespace quire::inline QUIRE_ABI::detail {

/// Whether page `no` is blank, which was not read because of `why`. Errors: those of reading.
template <class File>
[[nodiscard]] bool is_blank(File const& file, page_no no, error const& why) {
    if (why.code() != errc::wrong_page_kind) { return why.code() == errc::blank_page; }
    auto const page = file.read(no);
    auto const bytes = page->bytes();
    return all_zero(bytes.unguarded_span());
}

}  // namespace quire::inline QUIRE_ABI::detail
