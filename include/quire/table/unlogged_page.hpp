// SPDX-License-Identifier: BSL-1.0
#pragma once

/// unlogged_page: a page that an unlogged change holds (unlogged_change.hpp), and how it is lent.
///
/// There may be several of one page; all end before the change does. Clang and checked builds
/// follow them.

#include <quire/pool/buffer_pool.hpp>

namespace quire::inline QUIRE_ABI {

template <class Pool>
class unlogged_change;

namespace detail {

inline constexpr char const* unlogged_change_ends_unlent =
    "an unlogged change ends only while none of its pages has a name or lends anything";

/// A page that an unlogged change holds.
template <class Pool>
struct unlogged_held : immovable {
    using guard_type = typename Pool::template write_guard<raw_page>;
    using take_back_type = void (*)(void const* of, unlogged_change<Pool>& pages, page_no no);

    page_id id;
    std::byte* bytes = nullptr;
    lender account;  ///< all views of the page are one lender
    guard_slot<guard_type> guard;
    void const* take_back_of = nullptr;
    take_back_type take_back = nullptr;
    bool is_lent = false;

    template <class Make>
    void fill(Make make) {
        auto& page = guard.fill(make);
        is_lent = false;
        id = page.id();
        auto const view = page.view();
        auto const all = view.bytes();
        // Of a frame that is held exclusively.
        bytes = const_cast<std::byte*>(all.unguarded_span().data());
    }
    void drop() noexcept {
        guard.reset();
        id = page_id::none();
        take_back = nullptr;
    }
    /// The page counts as modified from now on.
    void lend() noexcept {
        is_lent = true;
        static_cast<void>(guard.value().operator->());
    }
};

}  // namespace detail

/// A page of an unlogged change, lent as a write guard lends one: `page->` makes it modified,
/// unless it was taken by `read`.
template <class Pool, template <class, std::size_t> class View, bool IsForChanges>
class QUIRE_BORROWER QUIRE_OWNER
    [[nodiscard("a page of a change is used by its name")]] unlogged_page : immovable {
    static constexpr std::size_t size = Pool::page_size;
    using guard_type = typename Pool::template write_guard<View>;

public:
    using view_type = typename guard_type::view_type;
    using const_view_type = typename guard_type::const_view_type;

    /// For changes.
    explicit unlogged_page(detail::unlogged_held<Pool>& page) noexcept QUIRE_UNSEEN
        : page_{page},
          view_(detail::view_of<view_type>(bytes(), page.id.page())),
          const_view_(detail::view_of<const_view_type>(const_bytes(), page.id.page())) {
        view_.join(page.account);
        const_view_.join(page.account);
        view_.frame_is_mine();
    }
    unlogged_page(unlogged_page const&)
        QUIRE_REFUSED("a page of a change stays where it is named; ask the change for it again");
    QUIRE_ENDS_LOAN_UNLENT(unlogged_page, (*this)->lent, (*this)->lent_mutable)

    [[nodiscard]] view_type* operator->() & noexcept QUIRE_LIFETIMEBOUND
        requires IsForChanges
    {
        page_.lend();
        return &view_;
    }
    /// The page by a name of its own, for changes: nothing else of it is lent meanwhile.
    [[nodiscard]] lent_page<view_type> operator*() & noexcept QUIRE_LIFETIMEBOUND
        requires IsForChanges
    QUIRE_LENDS_PAGE_ALONE(*this) {
        page_.lend();
        return detail::lend_page<view_type>(view_, lending::alone, bytes(), page_no());
    }
    [[nodiscard]] const_view_type const* operator->() const& noexcept QUIRE_LIFETIMEBOUND {
        return &const_view_;
    }
    [[nodiscard]] lent_page<const_view_type> operator*() const& noexcept QUIRE_LIFETIMEBOUND
        QUIRE_LENDS_PAGE(*this) {
        return view();
    }
    /// The page by a name of its own, for reading: this does not make it modified.
    [[nodiscard]] lent_page<const_view_type> view() const& noexcept QUIRE_LIFETIMEBOUND
        QUIRE_LENDS_PAGE(*this) {
        return detail::lend_page<const_view_type>(const_view_, lending::shared, const_bytes(),
                                                  page_no());
    }
    name_the_page_first* operator->() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    name_the_page_first operator*() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    name_the_page_first view() const&& QUIRE_REFUSED_ON_TEMPORARIES;

    [[nodiscard]] page_id id() const noexcept { return page_.id; }
    /// The page's number in its file.
    [[nodiscard]] quire::page_no page_no() const noexcept { return page_.id.page(); }

private:
    [[nodiscard]] std::span<std::byte, size> bytes() const noexcept {
        return std::span<std::byte, size>{page_.bytes, size};
    }
    [[nodiscard]] std::span<std::byte const, size> const_bytes() const noexcept { return bytes(); }

    detail::unlogged_held<Pool>& page_;
    view_type view_;
    const_view_type const_view_;
};

}  // namespace quire::inline QUIRE_ABI
