// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_view: the base class of a page kind of your own.
///
///     template <class Byte, std::size_t PageSize>
///     class message_page : public quire::page_view<message_page, Byte, PageSize> {
///         static constexpr quire::field_le<std::uint16_t> used{16};
///
///     public:
///         using message_page::page_view::page_view;
///         static void format(std::span<std::byte, PageSize> bytes, quire::page_no) noexcept;
///         static bool accepts(std::span<std::byte const, PageSize> bytes) noexcept;
///
///         [[nodiscard]] quire::byte_view<std::byte const> front() const& QUIRE_LIFETIMEBOUND
///             QUIRE_LENDS { return this->lend(18, this->load(used)); }
///         QUIRE_REFUSED_ON_TEMPORARY_PAGE(front);
///
///         void pop() requires quire::writable_page<Byte> QUIRE_CHANGES {
///             this->expect_unlent();
///             ...
///         }
///         QUIRE_REFUSED_ON_SHARED(pop);
///     };
///
/// It holds the span, and is a lender (loan.hpp): what such a kind lends is checked as the rows of
/// a heap_page are. The kind adds its format: a function that lends by `lend`, and one that changes
/// by `expect_unlent` first, each with the words above.
///
///   for                          the kind writes
///   reading and writing          load(field), store(field, value), write(offset, bytes), move(...)
///   lending bytes                lend(offset, length), a byte_view; `text()` of that is text
///   lending mutable bytes        lend_alone(offset, length), in a function with QUIRE_LENDS_ALONE
///   text in an expression        lend_text(offset, length): checked builds count it, and clang
///                                reports one that outlives the guard, but not one gone stale
///   bytes that contradict        corrupt("what is wrong")
///
/// The functions are protected, and found by `this->`. Their offsets may come from the page: one
/// that leads out of it is errc::corrupt_page, never undefined behaviour. A constant offset costs
/// no check. `bytes()` is the whole page as a std::span, for what is not here. It is not counted:
/// a public function does not return it.
///
/// `load`, `store` and `write` do not ask whether something is lent: a kind may add to a page, or
/// set a field, where nothing that it lends is. `move` asks. clang 22 reports a function that lends
/// and is not marked so ("loan 'lent' is still held at the end of function").
///
/// numbered_page_view is the same for a kind that asks for its page's number (page_kind.hpp):
/// `number()`, which errors then name, too.
///
/// A const view is made from a mutable one of the same kind, and of no other: that is why the kind
/// names itself.
/// Cost: none. A kind has the size, and its functions the code, of one that is written by hand.

#include <quire/borrow/page_kind.hpp>

#include <string_view>  // std::string_view

namespace quire::inline QUIRE_ABI {

namespace detail {

/// Stands where a view keeps no number.
struct number_unknown {};

/// Apart, and with no view as its argument: so compilers keep a view in registers.
[[noreturn, gnu::cold, gnu::noinline]] inline void throw_corrupt(char const* what, page_id id) {
    throw error{errc::corrupt_page, what, id};
}

}  // namespace detail

template <template <class, std::size_t> class Kind, viewed_byte Byte, std::size_t PageSize,
          bool Numbered = false>
class QUIRE_POINTER page_view : public lender {
    using shared_byte = std::conditional_t<racy_page<Byte>, racy_byte const, std::byte const>;

public:
    explicit page_view(std::span<Byte, PageSize> bytes) noexcept
        requires(!Numbered)
        : bytes_{bytes} {}
    page_view(std::span<Byte, PageSize> bytes, page_no no) noexcept
        requires Numbered
        : bytes_{bytes}, number_{no} {}
    /// From a mutable view to a const one, as std::span converts.
    page_view(Kind<std::byte, PageSize> const& other QUIRE_LIFETIMEBOUND) noexcept
        requires std::same_as<Byte, std::byte const>
        : bytes_{static_cast<mutable_view>(other).bytes_},
          number_{static_cast<mutable_view>(other).number_} {
        join(other);
    }
    page_view(Kind<std::byte, PageSize> const&&)
        requires std::same_as<Byte, std::byte const>
    QUIRE_REFUSED_AS_VIEW_OF_TEMPORARY_PAGE;
    page_view(page_view const&) QUIRE_REFUSED_TO_MOVE;

protected:
    ~page_view() = default;

    /// The whole page.
    [[nodiscard]] std::span<Byte, PageSize> bytes() const noexcept { return bytes_; }
    /// The page's number in its file.
    [[nodiscard]] page_no number() const noexcept
        requires Numbered
    {
        return number_;
    }

    /// Throws errc::corrupt_page, which names `what`, a literal.
    [[noreturn]] void corrupt(char const* what) const {
        if constexpr (Numbered) {
            detail::throw_corrupt(what, page_id{file_no::unknown, number_});
        } else {
            detail::throw_corrupt(what, page_id::none());
        }
    }

    /// A part of the page. Errors: errc::corrupt_page when it does not lie inside.
    [[nodiscard]] std::span<Byte> part(std::size_t offset, std::size_t length) const {
        if (offset > PageSize || length > PageSize - offset) { corrupt("an offset or a length"); }
        return bytes_.subspan(offset, length);
    }

    /// The number in a field. Errors: errc::corrupt_page when it does not lie inside.
    template <page_number T, std::endian Order>
    [[nodiscard]] T load(page_field<T, Order> field) const {
        if (!field.fits(PageSize)) { corrupt("an offset"); }
        return field.load_unchecked(bytes_.data());
    }
    /// Writes the number in a field. Errors: errc::corrupt_page as above.
    template <page_number T, std::endian Order>
    void store(page_field<T, Order> field, std::type_identity_t<T> value)
        requires writable_page<Byte>
    {
        if (!field.fits(PageSize)) { corrupt("an offset"); }
        field.store_unchecked(bytes_.data(), value);
    }
    /// Copies `from` into the page; it may lie in the page itself. Errors: as above.
    void write(std::size_t offset, std::span<std::byte const> from)
        requires writable_page<Byte>
    {
        auto const to = part(offset, from.size());
        if (!from.empty()) { std::memmove(to.data(), from.data(), from.size()); }
    }
    void write(std::size_t offset, std::string_view text)
        requires writable_page<Byte>
    {
        write(offset, std::as_bytes(std::span{text}));
    }
    /// Moves a part of the page. Nothing of the page may be lent. Errors: as above.
    void move(std::size_t to, std::size_t from, std::size_t length)
        requires writable_page<Byte>
    {
        expect_unlent();
        write(to, part(from, length));
    }

    /// Lends a part of the page for reading. Errors: errc::corrupt_page when it does not lie
    /// inside.
    [[nodiscard]] byte_view<shared_byte> lend(std::size_t offset, std::size_t length) const
        QUIRE_LIFETIMEBOUND QUIRE_LENDS {
        return byte_view<shared_byte>{part(offset, length), *this};
    }
    /// Lends it for writing: only while nothing else of the page is lent.
    [[nodiscard]] byte_view<std::byte> lend_alone(std::size_t offset, std::size_t length) const
        QUIRE_LIFETIMEBOUND
        requires writable_page<Byte>
    QUIRE_LENDS_ALONE { return byte_view<std::byte>{part(offset, length), *this}; }
    /// Lends it as text.
    [[nodiscard]] column_text lend_text(std::size_t offset, std::size_t length) const
        QUIRE_LIFETIMEBOUND
        requires page_byte<Byte>
    {
        return column_text{part(offset, length), borrow{*this, lending::shared}};
    }

private:
    using mutable_view = page_view<Kind, std::byte, PageSize, Numbered> const&;
    template <template <class, std::size_t> class, viewed_byte, std::size_t, bool>
    friend class page_view;

    std::span<Byte, PageSize> bytes_;
    [[no_unique_address]] std::conditional_t<Numbered, page_no, detail::number_unknown> number_;
};

template <template <class, std::size_t> class Kind, viewed_byte Byte, std::size_t PageSize>
using numbered_page_view = page_view<Kind, Byte, PageSize, true>;

}  // namespace quire::inline QUIRE_ABI
