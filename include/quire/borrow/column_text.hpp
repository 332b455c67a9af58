// SPDX-License-Identifier: BSL-1.0
#pragma once

/// column_text: the text of a string column, where it stands in the page.
///
///     std::cout << row.get<&user::name>() << '\n';              // printed from the page
///     if (row.get<&user::name>() == "Ada") { ... }
///     names.find(row.get<&user::name>());                       // std::set<std::string, less<>>
///     std::string const copy = row.get<&user::name>();          // for longer than the page
///     auto const name = row.get<&user::name>();                 // in place, under a name
///     auto const words = name.with_view(count_words);           // called with a std::string_view
///     log("bad name: " + row.get<&user::name>() + "\n");        // a std::string of them all
///
/// A column read gives a column_text and copies nothing; so does `text()` of a byte_view, where a
/// page kind of your own lends text. It is a loan like the row: neither copied nor moved, and in
/// checked builds the page knows of it until it ends. So nothing takes it over: no container's
/// push_back, no assignment, no capture of a name. It can be made in its place elsewhere, as the
/// member of an aggregate, by `new`, in `[t = row.get<&user::name>()]`, as a static. clang reports
/// some of those that outlive the page, and a checked build stops at all when the guard ends. What
/// it is copied into, a std::string, owns its characters.
///
/// It does not become a std::string_view. A function that wants one is called by `with_view`, and
/// its result must own what it holds. For code that must keep views while it holds the page there
/// is `unguarded_view`; a reviewer can search for it. To look a text up in an unordered container
/// of std::string without a copy, give that text_hash and std::equal_to<>.
///
/// Why not std::string_view: nothing hinders a program from keeping one. After its guard has ended
/// it shows whatever page the frame holds next, and after an update in place other text, in every
/// build and without a report. A conversion would lose the text's name: g++ reports nothing that is
/// done with the view then, and clang little.
/// Why no data(), and iterators that are not contiguous: as in byte_view.hpp.
/// Why no QUIRE_BORROWER: clang 22 cannot follow a borrower made in one branch of an expression,
/// as in `a && row.get<&user::name>() == "Ada"`. It follows the row.
///
/// Cost: two words, like a std::string_view; in checked builds a count.

#include <quire/borrow/loan.hpp>
#include <quire/borrow/owned.hpp>

#include <compare>      // std::strong_ordering
#include <concepts>     // std::same_as
#include <cstddef>      // std::byte, std::ptrdiff_t
#include <iosfwd>       // std::basic_ostream
#include <iterator>     // std::random_access_iterator_tag
#include <span>         // std::span
#include <string>       // std::string
#include <string_view>  // std::string_view
#include <utility>      // std::forward

namespace quire::inline QUIRE_ABI {

template <class Lent>
class nullable;

namespace detail {

/// A sentence for functions that are lent a view or a span.
template <class Fn, class Lent>
[[nodiscard]] consteval bool owns_what_it_returns() {
    constexpr bool takes_it = std::is_invocable_v<Fn, Lent>;
    static_assert(takes_it, "fn is called with the std::string_view or std::span");
    if constexpr (takes_it) {
        static_assert(owned<std::invoke_result_t<Fn, Lent>>,
                      "the result of fn may refer to the page, which it must not outlive: return "
                      "what owns what it holds (std::string, numbers, structs and containers of "
                      "those), or vouch for a class with quire::owns_its_values");
    }
    return takes_it;
}

}  // namespace detail

class QUIRE_POINTER column_text : immovable {
public:
    static constexpr std::size_t npos = std::string_view::npos;

    /// For views that lend a part of their bytes as text.
    explicit column_text(std::span<std::byte const> bytes, borrow const& from = {}) noexcept
        : column_text{std::string_view{reinterpret_cast<char const*>(bytes.data()), bytes.size()},
                      from} {}
    column_text(column_text const&) QUIRE_REFUSED_TO_MOVE;
    ~column_text() = default;

    /// A copy, which owns its characters.
    [[nodiscard]] operator std::string() const { return std::string{now()}; }

    /// Calls `fn(std::string_view)`, and returns what it returns, which borrows nothing. The page
    /// does not change meanwhile.
    template <class Fn>
    decltype(auto) with_view(Fn&& fn) const {
        if constexpr (detail::owns_what_it_returns<Fn, std::string_view>()) {
            kept_for_now const kept{borrow_};
            return std::forward<Fn>(fn)(text_);
        }
    }
    use_with_view_or_unguarded_view view() const QUIRE_REFUSED_AS_VIEW;
    operator std::string_view() const QUIRE_REFUSED_AS_VIEW;

    /// The way out: a view that no compiler and no checked build follows. Lifetime: until the page
    /// is next changed, at the latest until its guard ends; the caller makes sure of it. As long as
    /// this text lives a checked build refuses the change; after that an update in place shows
    /// through the view, and nothing reports it.
    [[nodiscard]] std::string_view unguarded_view() const noexcept { return kept(); }
    void operator&() const QUIRE_REFUSED_ADDRESS;

    [[nodiscard]] std::size_t size() const noexcept { return now().size(); }
    [[nodiscard]] std::size_t length() const noexcept { return now().size(); }
    [[nodiscard]] bool empty() const noexcept { return now().empty(); }

    /// Expects: `i < size()`.
    [[nodiscard]] char operator[](std::size_t i) const noexcept {
        QUIRE_EXPECTS(i < now().size(), "an index lies inside of a text");
        return now()[i];
    }
    /// Expects: it is not empty.
    [[nodiscard]] char front() const noexcept { return (*this)[0]; }
    [[nodiscard]] char back() const noexcept { return (*this)[now().size() - 1]; }

    [[nodiscard]] bool starts_with(std::string_view text) const noexcept {
        return now().starts_with(text);
    }
    [[nodiscard]] bool ends_with(std::string_view text) const noexcept {
        return now().ends_with(text);
    }
    [[nodiscard]] bool contains(std::string_view text) const noexcept {
        return now().find(text) != npos;
    }
    [[nodiscard]] bool starts_with(char c) const noexcept { return now().starts_with(c); }
    [[nodiscard]] bool ends_with(char c) const noexcept { return now().ends_with(c); }
    [[nodiscard]] bool contains(char c) const noexcept { return now().find(c) != npos; }
    [[nodiscard]] bool starts_with(column_text const& text) const noexcept {
        return now().starts_with(text.now());
    }
    [[nodiscard]] bool ends_with(column_text const& text) const noexcept {
        return now().ends_with(text.now());
    }
    [[nodiscard]] bool contains(column_text const& text) const noexcept {
        return now().find(text.now()) != npos;
    }
    /// Where it begins, at `from` or behind; `npos` if nowhere. Other searches: by `with_view`.
    [[nodiscard]] std::size_t find(std::string_view text, std::size_t from = 0) const noexcept {
        return now().find(text, from);
    }
    [[nodiscard]] std::size_t find(char c, std::size_t from = 0) const noexcept {
        return now().find(c, from);
    }
    [[nodiscard]] std::size_t find(column_text const& text, std::size_t from = 0) const noexcept {
        return now().find(text.now(), from);
    }

    /// A std::string of both, copied, as `+` of std::string gives it.
    [[nodiscard]] friend std::string operator+(column_text const& a, column_text const& b) {
        return joined(a.now(), b.now());
    }
    [[nodiscard]] friend std::string operator+(column_text const& a, std::string_view b) {
        return joined(a.now(), b);
    }
    [[nodiscard]] friend std::string operator+(std::string_view a, column_text const& b) {
        return joined(a, b.now());
    }
    template <std::same_as<std::string> S>  // a temporary's characters are not copied
    [[nodiscard]] friend std::string operator+(S&& a, column_text const& b) {
        return std::move(a.append(b.now()));
    }
    template <std::same_as<char> C>
    [[nodiscard]] friend std::string operator+(column_text const& a, C b) {
        return joined(a.now(), std::string_view{&b, 1});
    }
    template <std::same_as<char> C>
    [[nodiscard]] friend std::string operator+(C a, column_text const& b) {
        return joined(std::string_view{&a, 1}, b.now());
    }

    /// Gives characters by value. Not counted: it is used as long as its text lives.
    class iterator {
    public:
        using value_type = char;
        using difference_type = std::ptrdiff_t;
        using reference = char;
        using pointer = void;
        using iterator_category = std::input_iterator_tag;
        using iterator_concept = std::random_access_iterator_tag;

        iterator() noexcept = default;
        [[nodiscard]] char operator*() const noexcept { return *at_; }
        [[nodiscard]] char operator[](difference_type n) const noexcept { return at_[n]; }
        iterator& operator++() noexcept { return *this += 1; }
        iterator& operator--() noexcept { return *this -= 1; }
        iterator operator++(int) noexcept { return iterator{at_++}; }
        iterator operator--(int) noexcept { return iterator{at_--}; }
        iterator& operator+=(difference_type n) noexcept { at_ += n; return *this; }
        iterator& operator-=(difference_type n) noexcept { at_ -= n; return *this; }
        friend iterator operator+(iterator it, difference_type n) noexcept { return it += n; }
        friend iterator operator+(difference_type n, iterator it) noexcept { return it += n; }
        friend iterator operator-(iterator it, difference_type n) noexcept { return it -= n; }
        friend difference_type operator-(iterator a, iterator b) noexcept { return a.at_ - b.at_; }
        friend auto operator<=>(iterator, iterator) noexcept = default;

    private:
        friend class column_text;
        explicit iterator(char const* at) noexcept : at_{at} {}
        char const* at_ = nullptr;
    };

    [[nodiscard]] iterator begin() const& noexcept QUIRE_LIFETIMEBOUND {
        return iterator{kept().data()};
    }
    [[nodiscard]] iterator end() const& noexcept QUIRE_LIFETIMEBOUND {
        return iterator{kept().data() + text_.size()};
    }
    name_the_text_first begin() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    name_the_text_first end() const&& QUIRE_REFUSED_ON_TEMPORARIES;

    friend bool operator==(column_text const& a, column_text const& b) noexcept {
        return a.now() == b.now();
    }
    friend bool operator==(column_text const& a, std::string_view b) noexcept {
        return a.now() == b;
    }
    friend std::strong_ordering operator<=>(column_text const& a, column_text const& b) noexcept {
        return a.now() <=> b.now();
    }
    friend std::strong_ordering operator<=>(column_text const& a, std::string_view b) noexcept {
        return a.now() <=> b;
    }
    template <class Traits>
    friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                                        column_text const& text) {
        return out << std::basic_string_view<char, Traits>{text.now().data(), text.now().size()};
    }

private:
    template <class Lent>
    friend class nullable;
    friend struct text_hash;

    column_text(std::string_view text, borrow const& from) noexcept
        : text_{text}, borrow_{from} {
        borrow_.until_change();
    }

    /// The text, if its page has not changed since.
    [[nodiscard]] std::string_view now() const noexcept {
        borrow_.expect_current();
        return text_;
    }
    /// The text, for what nobody follows: the page does not change as long as this lives.
    [[nodiscard]] std::string_view kept() const noexcept {
        borrow_.keep();
        return text_;
    }

    [[nodiscard]] static std::string joined(std::string_view a, std::string_view b) {
        std::string both;
        both.reserve(a.size() + b.size());
        return std::move(both.append(a).append(b));
    }

    std::string_view text_;
    [[no_unique_address]] borrow borrow_;
};

/// Hashes texts in pages and standard strings alike, for containers that look up by either:
///
///     std::unordered_map<std::string, int, quire::text_hash, std::equal_to<>> counts;
///     auto const at = counts.find(row.get<&user::name>());      // nothing is copied
struct text_hash {
    using is_transparent = void;
    [[nodiscard]] std::size_t operator()(std::string_view text) const noexcept {
        return std::hash<std::string_view>{}(text);
    }
    [[nodiscard]] std::size_t operator()(column_text const& text) const noexcept {
        return (*this)(text.now());
    }
};

}  // namespace quire::inline QUIRE_ABI

/// As that of a std::string or std::string_view with the same characters.
template <>
struct std::hash<quire::column_text> {
    [[nodiscard]] std::size_t operator()(quire::column_text const& text) const noexcept {
        return quire::text_hash{}(text);
    }
};
