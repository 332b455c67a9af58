// SPDX-License-Identifier: BSL-1.0
#pragma once

/// byte_view: an immovable borrow of page bytes.
///
/// Bytes that a page lends are valid only while its guard holds the page, so code must not keep
/// them longer. An immovable borrow has no copy, no move and no default state: nothing takes it
/// over, and it cannot be assigned to an outer variable. But guaranteed elision makes it in place
/// wherever an initialiser stands: as a member of an aggregate, by `new`, in an init-capture, as a
/// static. clang 22 reports some of those that outlive their guard, a checked build stops at all
/// (docs/misuse.md). A function that wants a standard span is called by `with_span`, and its result
/// must own what it holds. `unguarded_span` is the way out; a reviewer can search for it.
///
///     std::vector<std::byte> const copy = row.get<&user::picture>();   // for longer than the page
///     if (row.get<&user::picture>() == expected) { ... }               // a view, a span, a vector
///
/// Pages take one as the bytes of a tuple, `to->insert(from->tuple(slot))`: of another page.
///
/// Invariants
///   I1. A byte_view's range lies inside the page that lent it.
///   I2. Every access by offset is checked against the size: no offset is undefined behaviour. An
///       offset outside is a bug of the caller, and stops the program. In racy bytes the offset may
///       come from a torn read, so there it is the error corrupt_page.
///   I3. The iterators are not contiguous and there is no data(): with either, the standard would
///       convert even a temporary byte_view to a std::span that outlives it.

#include <quire/base/error.hpp>
#include <quire/base/page_id.hpp>
#include <quire/borrow/column_text.hpp>
#include <quire/borrow/racy_byte.hpp>

#include <algorithm>  // std::equal
#include <cstddef>    // std::byte, std::ptrdiff_t
#include <cstring>    // std::memcpy
#include <iterator>   // std::input_iterator_tag
#include <span>       // std::span
#include <vector>     // std::vector

namespace quire::inline QUIRE_ABI {

/// Bytes of a page, borrowed. `Byte` is `std::byte const`, or `std::byte` under exclusive access;
/// mutable bytes are lent alone, while no row, tuple or range of the page is. `racy_byte const` is
/// for reading without a latch.
template <viewed_byte Byte>
class QUIRE_BORROWER QUIRE_POINTER byte_view : immovable {
public:
    explicit byte_view(std::span<Byte> bytes) noexcept QUIRE_UNSEEN : bytes_{bytes} {}
    /// For a page view that lends a part of itself.
    byte_view(std::span<Byte> bytes, lender const& from) noexcept QUIRE_UNSEEN
        : bytes_{bytes},
          borrow_{from, writable_page<Byte> ? lending::alone : lending::shared} {
        borrow_.until_change();
    }
    /// For a borrower of a page that lends a part of itself.
    byte_view(std::span<Byte> bytes, borrow const& from) noexcept
        requires(!writable_page<Byte>)
    QUIRE_UNSEEN : bytes_{bytes}, borrow_{from} {
        borrow_.until_change();
    }
    byte_view(byte_view const&) QUIRE_REFUSED_TO_MOVE;
    QUIRE_ENDS_LOAN(byte_view)

    [[nodiscard]] std::size_t size() const noexcept {
        borrow_.expect_current();
        return bytes_.size();
    }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

    /// Byte `i`. Expects: `i < size()`.
    [[nodiscard]] std::byte operator[](std::size_t i) const noexcept(!racy_page<Byte>) {
        expect_inside(i, 1);
        return byte_at(&bytes_[i]);
    }

    /// The little-endian number at `offset`. Expects: it lies inside.
    template <page_number T>
    [[nodiscard]] T load(std::size_t offset) const noexcept(!racy_page<Byte>) {
        expect_inside(offset, sizeof(T));
        return load_le<T>(bytes_.data() + offset);
    }

    /// Copies the bytes from `offset` on into `to`, as many as it has. Expects: they lie inside.
    void copy_to(std::span<std::byte> to, std::size_t offset = 0) const
        noexcept(!racy_page<Byte>) {
        expect_inside(offset, to.size());
        if constexpr (racy_page<Byte>) {
            for (std::size_t i = 0; i < to.size(); ++i) { to[i] = bytes_[offset + i].load(); }
        } else if (!to.empty()) {
            std::memcpy(to.data(), bytes_.data() + offset, to.size());
        }
    }

    /// A copy, which owns its bytes.
    [[nodiscard]] operator std::vector<std::byte>() const
        requires page_byte<Byte>
    {
        borrow_.expect_current();
        return {bytes_.begin(), bytes_.end()};
    }

    /// Whether the bytes are the same.
    [[nodiscard]] bool operator==(std::span<std::byte const> other) const noexcept
        requires page_byte<Byte>
    {
        borrow_.expect_current();
        return std::equal(bytes_.begin(), bytes_.end(), other.begin(), other.end());
    }
    template <page_byte Other>
    [[nodiscard]] bool operator==(byte_view<Other> const& other) const noexcept
        requires page_byte<Byte>
    {
        other.borrow_.expect_current();
        return *this == std::span<std::byte const>{other.bytes_};
    }

    /// Writes a little-endian number at `offset`. Expects: it lies inside.
    template <page_number T>
    void store(std::size_t offset, T value) const noexcept
        requires writable_page<Byte>
    {
        expect_inside(offset, sizeof(T));
        store_le<T>(bytes_.data() + offset, value);
    }

    QUIRE_REFUSED_ON_SHARED(store);

    /// These bytes as text, in the page: a loan of its own.
    [[nodiscard]] column_text text() const noexcept QUIRE_LIFETIMEBOUND
        requires(page_byte<Byte> && !writable_page<Byte>)
    {
        return column_text{bytes_, borrow_};
    }

    /// Calls `fn(std::span<Byte>)`, and returns what it returns, which borrows nothing. The page
    /// does not change meanwhile, except by that span.
    template <class Fn>
        requires page_byte<Byte>
    decltype(auto) with_span(Fn&& fn) const {
        if constexpr (detail::owns_what_it_returns<Fn, std::span<Byte>>()) {
            kept_for_now const kept{borrow_};
            return std::forward<Fn>(fn)(bytes_);
        }
    }
    use_with_span_or_unguarded_span span() const QUIRE_REFUSED_AS_SPAN;
    template <class B>
    operator std::span<B>() const QUIRE_REFUSED_AS_SPAN;

    /// The way out: a standard span over these bytes. Lifetime: until this view ends; clang reports
    /// some that outlive it, and the caller makes sure of the others.
    [[nodiscard]] std::span<Byte> unguarded_span() const& noexcept QUIRE_LIFETIMEBOUND
        requires page_byte<Byte>
    {
        borrow_.keep();
        return bytes_;
    }
    name_the_view_first unguarded_span() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    void operator&() const QUIRE_REFUSED_ADDRESS;

    /// Reads byte by byte, for range-for and the algorithms of std::ranges.
    class iterator {
    public:
        using value_type = std::byte;
        using difference_type = std::ptrdiff_t;
        using reference = std::byte;
        using pointer = void;
        using iterator_category = std::input_iterator_tag;  // std::vector's constructor wants it

        iterator() noexcept = default;
        [[nodiscard]] std::byte operator*() const noexcept { return byte_at(at_); }
        iterator& operator++() noexcept { ++at_; return *this; }
        iterator operator++(int) noexcept { return iterator{at_++}; }
        friend bool operator==(iterator, iterator) noexcept = default;

    private:
        friend class byte_view;
        explicit iterator(Byte* at) noexcept : at_{at} {}
        Byte* at_ = nullptr;
    };

    [[nodiscard]] iterator begin() const& noexcept QUIRE_LIFETIMEBOUND {
        borrow_.keep();
        return iterator{bytes_.data()};
    }
    [[nodiscard]] iterator end() const& noexcept QUIRE_LIFETIMEBOUND {
        borrow_.keep();
        return iterator{bytes_.data() + bytes_.size()};
    }
    name_the_view_first begin() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    name_the_view_first end() const&& QUIRE_REFUSED_ON_TEMPORARIES;

private:
    template <viewed_byte Other>
    friend class byte_view;

    [[nodiscard]] bool holds(std::size_t offset, std::size_t length) const noexcept {
        return offset <= bytes_.size() && length <= bytes_.size() - offset;
    }
    void expect_inside(std::size_t offset, std::size_t length) const noexcept(!racy_page<Byte>) {
        borrow_.expect_current();
        if constexpr (racy_page<Byte>) {
            if (!holds(offset, length)) { throw error{errc::corrupt_page, "read without a latch"}; }
        } else {
            QUIRE_EXPECTS(holds(offset, length), "an offset lies inside the byte_view");
        }
    }
    [[nodiscard]] static std::byte byte_at(Byte* at) noexcept {
        if constexpr (racy_page<Byte>) {
            return at->load();
        } else {
            return *at;
        }
    }

    std::span<Byte> bytes_;
    [[no_unique_address]] borrow borrow_;
};

}  // namespace quire::inline QUIRE_ABI
