// SPDX-License-Identifier: BSL-1.0
#pragma once

/// byte_view: a pinned borrow of page bytes, and raw_page, the page view that knows no format.
///
/// What a page lends is dangerous exactly as long as somebody keeps it. A pinned borrow has no
/// copy, no move and no default state: it is made in place (guaranteed elision) and stays where it
/// was made, so it enters no container, no optional, no capture and no outer variable. `span()` is
/// the hatch for whoever must pass a standard span on; a reviewer can grep for it.
///
/// Invariants
///   I1. A byte_view's range lies inside the page that lent it.
///   I2. Every access by offset is checked against the size: no offset is undefined behaviour. An
///       offset outside is a bug of the caller's, and stops the program; in racy bytes, where it
///       may come from what was never true, it is the error corrupt_page.
///   I3. The iterators are not contiguous and there is no data(): with either, the standard would
///       convert even a temporary byte_view to a std::span that outlives it.

#include <quire/base/error.hpp>
#include <quire/base/loan.hpp>
#include <quire/base/page_id.hpp>
#include <quire/base/racy_byte.hpp>

#include <cstddef>   // std::byte, std::ptrdiff_t
#include <cstring>   // std::memset
#include <iterator>  // std::input_iterator_tag
#include <span>      // std::span

namespace quire::inline QUIRE_ABI {

/// Bytes of a page, borrowed. `Byte` is `std::byte const`, or `std::byte` under exclusive access;
/// mutable bytes are lent alone, while no row, tuple or range of the page is. `racy_byte const` is
/// for reading without a latch.
template <viewed_byte Byte>
class QUIRE_BORROWER QUIRE_POINTER byte_view : pinned {
public:
    explicit byte_view(std::span<Byte> bytes) noexcept QUIRE_UNSEEN : bytes_{bytes} {}
    /// For a page view that lends a part of itself.
    byte_view(std::span<Byte> bytes, lender const& from) noexcept QUIRE_UNSEEN
        : bytes_{bytes},
          borrow_{from, writable_page<Byte> ? lending::alone : lending::shared} {}
    byte_view(byte_view const&) QUIRE_REFUSED_TO_MOVE;
    QUIRE_ENDS_LOAN(byte_view)

    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
    [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }

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

    /// Writes a little-endian number at `offset`. Expects: it lies inside.
    template <page_number T>
    void store(std::size_t offset, T value) const noexcept
        requires writable_page<Byte>
    {
        QUIRE_EXPECTS(holds(offset, sizeof(T)), "an offset lies inside the byte_view");
        store_le<T>(bytes_.data() + offset, value);
    }

    QUIRE_REFUSED_ON_SHARED(store);

    /// The hatch: a standard span over the same bytes. It must not outlive the guard of the page.
    [[nodiscard]] std::span<Byte> span() const& noexcept QUIRE_LIFETIMEBOUND
        requires page_byte<Byte>
    {
        return bytes_;
    }
    name_the_view_first span() const&& QUIRE_REFUSED_ON_TEMPORARIES;

    template <class B>
    operator std::span<B>() const QUIRE_REFUSED("a view of page bytes becomes a span by span()");

    /// Reads byte by byte, for range-for and the algorithms of std::ranges.
    class iterator {
    public:
        using value_type = std::byte;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        iterator() noexcept = default;
        [[nodiscard]] std::byte operator*() const noexcept { return byte_at(at_); }
        iterator& operator++() noexcept { ++at_; return *this; }
        void operator++(int) noexcept { ++at_; }
        friend bool operator==(iterator, iterator) noexcept = default;

    private:
        friend class byte_view;
        explicit iterator(Byte* at) noexcept : at_{at} {}
        Byte* at_ = nullptr;
    };

    [[nodiscard]] iterator begin() const& noexcept QUIRE_LIFETIMEBOUND {
        return iterator{bytes_.data()};
    }
    [[nodiscard]] iterator end() const& noexcept QUIRE_LIFETIMEBOUND {
        return iterator{bytes_.data() + bytes_.size()};
    }
    name_the_view_first begin() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    name_the_view_first end() const&& QUIRE_REFUSED_ON_TEMPORARIES;

private:
    [[nodiscard]] bool holds(std::size_t offset, std::size_t length) const noexcept {
        return offset <= bytes_.size() && length <= bytes_.size() - offset;
    }
    void expect_inside(std::size_t offset, std::size_t length) const noexcept(!racy_page<Byte>) {
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

/// A page of any format, as bytes: the page kind for users who bring no view of their own. In a
/// file with the default contract bytes 0 to 11 are the seal's (page_contract.hpp).
template <viewed_byte Byte, std::size_t PageSize>
class QUIRE_POINTER raw_page : public lender {
public:
    explicit raw_page(std::span<Byte, PageSize> bytes) noexcept : bytes_{bytes} {}
    /// From a mutable view to a const one, as std::span converts.
    raw_page(raw_page<std::byte, PageSize> const& other QUIRE_LIFETIMEBOUND) noexcept
        requires std::same_as<Byte, std::byte const>
        : bytes_{other.bytes_} {
        join(other);
    }
    raw_page(raw_page const&) QUIRE_REFUSED_TO_MOVE;

    /// Zeros the page.
    static void format(std::span<std::byte, PageSize> bytes, page_no) noexcept {
        std::memset(bytes.data(), 0, PageSize);
    }
    /// Every page is a raw page.
    [[nodiscard]] static bool accepts(shared_span<Byte, PageSize>) noexcept { return true; }

    [[nodiscard]] byte_view<Byte> bytes() const& noexcept QUIRE_LIFETIMEBOUND
        requires(!writable_page<Byte>)
    QUIRE_LENDS { return byte_view<Byte>{bytes_, *this}; }
    /// Mutable bytes: one borrow at a time.
    [[nodiscard]] byte_view<Byte> bytes() const& noexcept QUIRE_LIFETIMEBOUND
        requires writable_page<Byte>
    QUIRE_LENDS_ALONE { return byte_view<Byte>{bytes_, *this}; }
    name_the_page_first bytes() const&& QUIRE_REFUSED_ON_TEMPORARIES;

private:
    template <viewed_byte, std::size_t>
    friend class raw_page;
    std::span<Byte, PageSize> bytes_;
};

}  // namespace quire::inline QUIRE_ABI
