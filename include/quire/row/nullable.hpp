// SPDX-License-Identifier: BSL-1.0
#pragma once

/// nullable: a string or byte string column that may be null, where it stands in the page.
///
///     if (auto const note = row.get<&user::note>()) { std::cout << *note << note->size(); }
///     std::cout << row.get<&user::note>().value_or("none") << '\n';
///     std::optional<std::string> const copy = row.get<&user::note>();
///     if (row.get<&user::note>() == std::nullopt) { ... }
///
/// It is used like a std::optional of what it lends (column_text, or byte_view<std::byte const>).
/// Why not std::optional: `*` and `->` of a temporary one give references that end at once, and
/// through these what it lends. Here they need a name, as the check for null does too.
///
/// `value_or` gives a column_text. Its argument is a string literal, which outlives every page; for
/// any other text the result is a std::string, a copy.

#include <quire/borrow/column_text.hpp>

#include <concepts>     // std::same_as
#include <memory>       // std::addressof
#include <optional>     // std::optional
#include <type_traits>  // std::is_array_v

namespace quire::inline QUIRE_ABI {

/// A string literal, or another constant array of characters up to its first zero.
class literal_text {
public:
    template <std::size_t N>
    consteval literal_text(char const (&text)[N]) noexcept : text_{&text[0]} {}
    [[nodiscard]] constexpr std::string_view view() const noexcept { return text_; }

private:
    std::string_view text_;
};

template <class Lent>
class QUIRE_POINTER nullable {  // immovable, but not by that base: two of it take more room
    static constexpr bool is_text = std::same_as<Lent, column_text>;

public:
    nullable(std::nullopt_t) noexcept {}
    /// What it lends is made from `from`.
    template <class... From>
    explicit nullable(std::in_place_t, From const&... from) : lent_{std::in_place, from...} {}
    nullable(nullable const&) QUIRE_REFUSED_TO_MOVE;
    nullable& operator=(nullable const&) QUIRE_REFUSED_TO_MOVE;
    ~nullable() = default;

    [[nodiscard]] bool has_value() const noexcept { return lent_.has_value(); }
    [[nodiscard]] explicit operator bool() const noexcept { return lent_.has_value(); }

    /// Expects: it is not null.
    [[nodiscard]] Lent const& operator*() const& noexcept QUIRE_LIFETIMEBOUND {
        QUIRE_EXPECTS(lent_.has_value(), "a column that is null has no value");
        return *lent_;
    }
    [[nodiscard]] Lent const* operator->() const& noexcept QUIRE_LIFETIMEBOUND {
        return std::addressof(**this);
    }
    /// Errors: std::bad_optional_access when it is null.
    [[nodiscard]] Lent const& value() const& QUIRE_LIFETIMEBOUND { return lent_.value(); }
    name_the_column_first operator*() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    Lent const* operator->() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    name_the_column_first value() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    void operator&() const QUIRE_REFUSED_ADDRESS;

    /// The text, or `otherwise` when it is null; nothing is copied. The result is a loan of its
    /// own, so it may be taken from a temporary.
    [[nodiscard]] column_text value_or(literal_text otherwise) const noexcept
        requires is_text
    {
        if (lent_) { return column_text{lent_->now(), lent_->borrow_}; }
        return column_text{otherwise.view(), borrow{}};
    }
    /// A copy of the text, or of `otherwise` when it is null.
    template <class Text>
        requires(is_text && !std::is_array_v<Text> &&
                 std::convertible_to<Text const&, std::string_view>)
    [[nodiscard]] std::string value_or(Text const& otherwise) const {
        return std::string{lent_ ? lent_->now() : std::string_view{otherwise}};
    }
    [[nodiscard]] std::string value_or(column_text const& otherwise) const
        requires is_text
    {
        return std::string{lent_ ? lent_->now() : otherwise.now()};
    }

    /// A copy, which owns its characters.
    [[nodiscard]] operator std::optional<std::string>() const
        requires is_text
    {
        if (lent_) { return std::optional<std::string>{std::in_place, lent_->now()}; }
        return std::nullopt;
    }

    friend bool operator==(nullable const& a, std::nullopt_t) noexcept { return !a.lent_; }
    friend bool operator==(nullable const& a, nullable const& b) noexcept
        requires is_text
    {
        return a.lent_ && b.lent_ ? *a.lent_ == *b.lent_ : !a.lent_ && !b.lent_;
    }
    friend bool operator==(nullable const& a, std::string_view b) noexcept
        requires is_text
    {
        return a.lent_ && *a.lent_ == b;
    }
    friend bool operator==(nullable const& a, column_text const& b) noexcept
        requires is_text
    {
        return a.lent_ && *a.lent_ == b;
    }
    template <class Text>
        requires is_text
    friend bool operator==(nullable const& a, std::optional<Text> const& b) noexcept {
        return a.lent_ && b ? *a.lent_ == *b : !a.lent_ && !b;
    }
    template <class Text>  // g++ 12 would prefer the standard's, for which null is a value
        requires is_text
    friend bool operator==(std::optional<Text> const& a, nullable const& b) noexcept {
        return b == a;
    }

private:
    std::optional<Lent> lent_;
};

}  // namespace quire::inline QUIRE_ABI
