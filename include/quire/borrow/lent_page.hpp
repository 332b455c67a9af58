// SPDX-License-Identifier: BSL-1.0
#pragma once

/// lent_page: a page by a name of its own, lent by its guard.
///
///     auto page = *guard;                     // guard->insert(...) is refused while it lives
///     auto row = page.row<user>(slot);
///     fill(page);                             // a function that changes it
///
/// A view of the page, as `guard->` lends one, with every function of the page kind. It is a
/// borrow: made in place, neither copied nor moved, and counted. While it lives its guard does not
/// end, go on, or, if the page is lent for changes, lend it again. Compilers and checked builds
/// follow that as they follow rows (loan.hpp).
///
/// Why not a reference: `auto& page = *guard` would be a second name that no compiler connects with
/// the guard. A row of the one and a change by the other then look like two pages. This is a new
/// view, so such a reference is refused: it would be bound to a temporary.
///
/// A temporary one lives to the end of its line: so what is found in the page is named before the
/// guard goes on, `auto const next = child_of(*guard); guard.advance(file, next);`. A class that
/// keeps a reference to the page it is given, `scanner s{*guard};`, has one to nothing then, and
/// only the address sanitizer reports its use: `auto page = *guard; scanner s{page};`.
///
/// For the same reason a function that changes a page, and takes it by reference, gets it from a
/// name: not fill(*guard). One that only reads it may get it so: count_rows(*guard); of a write
/// guard count_rows(guard.view()), as no const view is made of a temporary one. For one change
/// write `guard->insert(...)`: clang 22 takes (*guard).insert(...) for a change by the guard while
/// the page is lent, and reports it.

#include <quire/borrow/loan.hpp>

#include <concepts>  // std::derived_from

namespace quire::inline QUIRE_ABI {

template <class View>
class QUIRE_BORROWER QUIRE_POINTER lent_page : public View {
    static_assert(std::derived_from<View, lender>);

public:
    /// For guards: over the bytes, with the page's number if the page kind asks for it.
    template <class... Place>
    lent_page(lender const& view_of_guard, lending way_of_lending,
              Place... place_in_pool) noexcept QUIRE_UNSEEN
        : View{place_in_pool...},
          borrow_{view_of_guard, way_of_lending} {
        if (way_of_lending == lending::alone) { this->frame_is_mine(); }
    }
    lent_page(lent_page const&) QUIRE_REFUSED_TO_MOVE;
    QUIRE_ENDS_LOAN(lent_page)
    void operator&() const QUIRE_REFUSED_ADDRESS;

private:
    [[no_unique_address]] borrow borrow_;
};

}  // namespace quire::inline QUIRE_ABI
