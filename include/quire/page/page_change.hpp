// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_change: the scope in which bytes of a page move.
///
///     page_change const change{*this, layout};   // first line of a function with QUIRE_CHANGES
///
/// In checked builds it ends what the page has lent, and stops the program where that must be kept
/// (loan.hpp: a range, a page by another name, what a span was taken of). Under the address
/// sanitizer, in a page that a write guard holds, the bytes that have no meaning (the free gap, and
/// gaps where tuples were) are poisoned between changes: a stale view into them is reported at the
/// line that uses it. A page_change unpoisons them, and poisons those that remain at its end. In
/// other builds nothing happens. Changes may be nested; the outermost does the work.
///
/// `Layout` has `body()`, the bytes behind the fixed header (none for a page that contradicts
/// itself), and `for_each_used(fn)`, which calls `fn(bytes)` for the parts of it in use.

#include <quire/borrow/loan.hpp>
#include <quire/base/poison.hpp>

namespace quire::inline QUIRE_ABI {

template <class Layout>
class [[nodiscard("a change lasts as long as this lives: name it")]] page_change : immovable {
public:
    page_change(lender const& page, Layout layout) noexcept : page_{page}, layout_{layout} {
        page_.expect_unlent();
        if (page_.begin_change()) { unpoison(layout_.body()); }
    }
    ~page_change() {
        if (!page_.end_change()) { return; }
        poison(layout_.body());
        layout_.for_each_used([](std::span<std::byte const> used) { unpoison(used); });
    }

private:
    lender const& page_;
    Layout layout_;
};

}  // namespace quire::inline QUIRE_ABI
