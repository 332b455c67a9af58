// SPDX-License-Identifier: BSL-1.0
#pragma once

/// codec: described structs as tuples. With this header, pages take and lend described structs.
///
///     struct user { std::int64_t id; std::string name; std::optional<double> balance; };
///     BOOST_DESCRIBE_STRUCT(user, (), (id, name, balance))
///
///     auto slot = page.insert(user{1, "Ada", 9.5});
///     for (auto row : page.rows<user>()) std::cout << row.get<&user::name>() << '\n';
///
/// In generic code, where the page is `auto const& page`, the same reads without `template`:
///
///     for (auto row : quire::rows<user>(page)) std::cout << quire::get<&user::name>(row) << '\n';
///
/// The bytes are those of schema.hpp; equal values make equal rows, so null columns are zeros.
/// Inserting allocates nothing: `size` adds up the strings, `encode` writes into the page directly.
/// What can be a column is in column.hpp, keys and limits in row_options.hpp.
///
/// A struct that borrows (std::string_view, std::span) is inserted like one that owns. It is read
/// only by `row.unguarded_load()` of a named row, not by `edit`, which may move the row while `fn`
/// uses the struct.

#include <quire/page/tuple_codec.hpp>
#include <quire/row/row_view.hpp>

#include <optional>  // std::optional

namespace quire::inline QUIRE_ABI {

template <described T>
struct tuple_codec<T> {
private:
    using columns = schema<T>;

    /// The bytes of a variable column; none when it is null.
    template <std::size_t I>
    [[nodiscard]] static std::span<std::byte const> bytes_of(T const& value) noexcept {
        auto const& from = value.*columns::template member<I>::pointer;
        if constexpr (columns::template column_at<I>::is_nullable) {
            return from ? std::as_bytes(std::span{*from}) : std::span<std::byte const>{};
        } else {
            return std::as_bytes(std::span{from});
        }
    }

    template <std::size_t I>
    static void encode_fixed(T const& value, std::byte* row) noexcept {
        using column = typename columns::template column_at<I>;
        constexpr column_place place = columns::template place<I>;
        auto const& from = value.*columns::template member<I>::pointer;
        if constexpr (column::is_nullable) {
            if (!from) {
                row[place.null_bit / 8] |= std::byte{1} << (place.null_bit % 8);
                return;
            }
        }
        if constexpr (!column::is_variable) {
            using format = detail::fixed_format<typename column::value>;
            if constexpr (column::is_nullable) {
                format::store(row + place.offset, *from);
            } else {
                format::store(row + place.offset, from);
            }
        }
    }

public:
    template <page_byte Byte>
    using view = row_view<T, Byte>;

    /// Whether a decoded T owns all it has.
    static constexpr bool owns = !columns::borrows;

    static constexpr auto fixed_size = columns::variable == 0
                                           ? std::optional{columns::fixed_size}
                                           : std::nullopt;
    /// Bytes of the row. Checks that keys and limits are of this struct.
    /// Errors: errc::tuple_too_large past 65535, or past a column's max_bytes.
    [[nodiscard]] static std::size_t size(T const& value) {
        static_cast<void>(columns::key_index);  // checks them even when no string has a limit
        std::size_t sum = columns::fixed_size;
        columns::for_each([&](auto i) {
            if constexpr (columns::template column_at<i>::is_variable) {
                std::size_t const length = bytes_of<i>(value).size();
                if (length > columns::template max_bytes<i>) {
                    throw error{errc::tuple_too_large,
                                std::string{columns::template member<i>::name} +
                                    ", past its max_bytes"};
                }
                if (length > columns::row_size_max - sum) {
                    throw error{errc::tuple_too_large, columns::template member<i>::name};
                }
                sum += length;
            }
        });
        return sum;
    }

    /// Writes the row.
    /// Expects: `out` has `size(value)` bytes; every described enum in `value` is one of its
    /// enumerators (fixed_format.hpp), since the row could not be read again otherwise.
    static void encode(T const& value, std::span<std::byte> out) noexcept {
        QUIRE_EXPECTS(out.size() >= columns::fixed_size, "encode gets size(value) bytes");
        std::memset(out.data(), 0, columns::fixed_size);
        std::size_t end = columns::fixed_size;
        columns::for_each([&](auto i) {
            encode_fixed<i>(value, out.data());
            if constexpr (columns::template column_at<i>::is_variable) {
                std::span<std::byte const> const from = bytes_of<i>(value);
                QUIRE_EXPECTS(from.size() <= out.size() - end, "encode gets size(value) bytes");
                if (!from.empty()) { std::memmove(out.data() + end, from.data(), from.size()); }
                end += from.size();
                store_le(out.data() + columns::template place<i>.offset,
                         static_cast<std::uint16_t>(end));
            }
        });
        QUIRE_EXPECTS(end == out.size(), "encode gets size(value) bytes");
    }

    /// A T from a row; the place is for errors.
    /// Errors: errc::row_mismatch.
    [[nodiscard]] static T decode(std::span<std::byte const> bytes, tuple_place place = {}) {
        return row_view<T, std::byte const>{bytes, place}.load();
    }
};

/// `page.rows<T>()`.
template <class T, class Page>
[[nodiscard]] auto rows(Page const& page QUIRE_LIFETIMEBOUND) QUIRE_PASSES_ON(page.lent) {
    return page.template rows<T>();
}
template <class T, class Page>
name_the_page_first rows(Page const&&) QUIRE_REFUSED_ON_TEMPORARIES;

/// `page.row<T>(slot)`.
template <class T, class Page>
[[nodiscard]] auto row(Page const& page QUIRE_LIFETIMEBOUND, slot_id slot)
    QUIRE_PASSES_ON(page.lent) {
    return page.template row<T>(slot);
}
template <class T, class Page>
name_the_page_first row(Page const&&, slot_id) QUIRE_REFUSED_ON_TEMPORARIES;

/// `row.get<Member>()`.
template <auto Member, class T, page_byte Byte>
[[nodiscard]] auto get(row_view<T, Byte> const& row QUIRE_LIFETIMEBOUND) {
    return row.template get<Member>();
}

}  // namespace quire::inline QUIRE_ABI
