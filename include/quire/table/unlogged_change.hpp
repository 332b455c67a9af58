// SPDX-License-Identifier: BSL-1.0
#pragma once

/// unlogged_change: the pages that one operation on a file without a log holds.
///
/// It has the functions of quire::change (pool/change.hpp), so an operation is written once:
///
///     template <class Changes>
///     void move_half(Changes& changes, page_no from, page_no to) {
///         auto left = changes.template write<my_page>(file, from);
///         auto right = changes.template write<my_page>(file, to);
///         ...
///     }
///     quire::in_one_change(pool, file, [&](auto& changes) { move_half(changes, 3, 7); });
///
/// Each page is held exclusively until the commit, or the end. There is no undo: an operation that
/// is to be whole in memory acquires every page first, which may fail, and then changes bytes,
/// which must not. What a crash leaves of it is whatever was written: only a log makes it whole.
/// Latches are waited for, so all operations on a file take theirs in one order; a change of a
/// logged file needs none.
///
/// A page that was only read, or only latched, stays clean. A page that was appended stays,
/// whatever becomes of the operation.
///
/// Threads: one. Cost: no allocation; at most `pages_max` pages.

#include <quire/pool/change.hpp>

#include <array>  // std::array
#include <span>   // std::span

namespace quire::inline QUIRE_ABI {

/// A page of an unlogged_change: `page->` makes it changed.
template <class Pool, template <class, std::size_t> class View>
class QUIRE_OWNER [[nodiscard("a page of a change is used by its name")]] unlogged_page
    : immovable {
    static constexpr std::size_t size = Pool::page_size;
    using guard_type = typename Pool::template write_guard<raw_page>;

public:
    using view_type = View<std::byte, size>;
    using const_view_type = View<std::byte const, size>;

    /// For unlogged_change.
    unlogged_page(guard_type& guard, std::span<std::byte const, size> bytes) noexcept
        : guard_{guard},
          bytes_{const_cast<std::byte*>(bytes.data()), size},
          view_{bytes_},
          const_view_{bytes} {}

    [[nodiscard]] view_type* operator->() noexcept QUIRE_LIFETIMEBOUND {
        static_cast<void>(guard_.operator->());  // from now on it is changed
        return &view_;
    }
    [[nodiscard]] const_view_type const& view() const noexcept QUIRE_LIFETIMEBOUND {
        return const_view_;
    }
    [[nodiscard]] quire::page_no page_no() const noexcept { return guard_.page_no(); }
    /// For unlogged_change: makes it a fresh page.
    void format() noexcept {
        static_cast<void>(guard_.operator->());
        view_type::format(bytes_, page_no());
    }

private:
    guard_type& guard_;
    std::span<std::byte, size> bytes_;
    view_type view_;
    const_view_type const_view_;
};

template <class Pool>
class [[nodiscard("it holds its pages as long as it lives: name it")]] unlogged_change : immovable {
    using file_type = typename Pool::file;
    using guard_type = typename Pool::template write_guard<raw_page>;
    static constexpr std::size_t page_size = Pool::page_size;
    template <template <class, std::size_t> class View>
    using page = unlogged_page<Pool, View>;

public:
    static constexpr std::size_t pages_max = 8;

    /// Whether the page is held here: then it is given again, and not latched.
    [[nodiscard]] bool holds(file_type const& file, page_no no) const noexcept {
        return find(file.id_of(no)) != nullptr;
    }

    /// Page `no`. Errors: as paged_file::write.
    template <template <class, std::size_t> class View>
    [[nodiscard]] page<View> write(file_type const& file, page_no no) QUIRE_LIFETIMEBOUND {
        auto* held = find(file.id_of(no));
        if (held == nullptr) {
            held = &take([&] { return file.template write<raw_page>(no); });
            if (!with_bytes(*held, &page<View>::const_view_type::accepts)) {
                held_[--count_].reset();
                throw error{errc::wrong_page_kind, "change", file.id_of(no)};
            }
        }
        return page_of<View>(*held);
    }
    /// Page `no`, to be read: as it is now.
    template <template <class, std::size_t> class View>
    [[nodiscard]] page<View> read(file_type const& file, page_no no) QUIRE_LIFETIMEBOUND {
        return write<View>(file, no);
    }
    /// A new page at the file's end, formatted. Errors: as paged_file::append.
    template <template <class, std::size_t> class View>
    [[nodiscard]] page<View> append(file_type const& file) QUIRE_LIFETIMEBOUND {
        auto& held = take([&] { return file.template append<raw_page>(); });
        page_of<View>(held).format();
        return page_of<View>(held);
    }
    /// Page `no`, made a fresh one. Errors: as paged_file::format.
    template <template <class, std::size_t> class View>
    [[nodiscard]] page<View> format(file_type const& file, page_no no) QUIRE_LIFETIMEBOUND {
        auto* held = find(file.id_of(no));
        if (held == nullptr) {
            held = &take([&] { return file.template format<raw_page>(no); });
        }
        page_of<View>(*held).format();
        return page_of<View>(*held);
    }
    /// Lets go of a page that was not changed, and is not named any more.
    void let_go(file_type const& file, page_no no) noexcept {
        for (std::size_t i = 0; i < count_; ++i) {
            if (held_[i].value().id() != file.id_of(no)) { continue; }
            held_[i].reset();
            if (i + 1 < count_) {
                held_[i].fill([&] { return held_[count_ - 1].value().transfer(); });
                held_[count_ - 1].reset();
            }
            --count_;
            return;
        }
    }
    /// Lets go of everything. Expects: none of the pages is named any more.
    void commit() noexcept {
        while (count_ > 0) { held_[--count_].reset(); }
    }

private:
    [[nodiscard]] guard_type* find(page_id id) noexcept {
        for (std::size_t i = 0; i < count_; ++i) {
            if (held_[i].value().id() == id) { return &held_[i].value(); }
        }
        return nullptr;
    }
    [[nodiscard]] guard_type const* find(page_id id) const noexcept {
        return const_cast<unlogged_change*>(this)->find(id);
    }
    template <class Make>
    [[nodiscard]] guard_type& take(Make make) {
        QUIRE_EXPECTS(count_ < pages_max, "an operation without a log holds at most 8 pages");
        auto& held = held_[count_].fill(make);
        ++count_;
        return held;
    }
    /// `fn(bytes)` with the bytes of a page, which stay where they are as long as it is held.
    template <class Fn>
    static auto with_bytes(guard_type const& held, Fn fn) {
        auto const page = held.view();
        auto const bytes = page.bytes();
        return fn(std::span<std::byte const, page_size>{bytes.span().data(), page_size});
    }
    template <template <class, std::size_t> class View>
    [[nodiscard]] static page<View> page_of(guard_type& held) {
        return with_bytes(held, [&](auto bytes) { return page<View>(held, bytes); });
    }

    std::array<guard_slot<guard_type>, pages_max> held_;
    std::size_t count_ = 0;
};

/// `fn(changes)`: in a change of the pool if the file is logged, and then possibly several times
/// (change.hpp); else with an unlogged_change. Errors: those of both, and of `fn`.
template <class Pool, class Fn>
void in_one_change(Pool& pool, typename Pool::file const& file, Fn&& fn) {
    if (file.is_logged()) {
        pool.change([&](change<Pool>& changes) { fn(changes); });
        return;
    }
    unlogged_change<Pool> changes;
    fn(changes);
    changes.commit();
}

}  // namespace quire::inline QUIRE_ABI
