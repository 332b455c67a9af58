// SPDX-License-Identifier: BSL-1.0
#include <quire/borrow/column_text.hpp>

#include "catch.hpp"
#include "death.hpp"
#include "page/page_buffer.hpp"

#include <quire/borrow/owned.hpp>
#include <quire/row/codec.hpp>

#include <algorithm>
#include <any>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <ranges>
#include <set>
#include <sstream>
#include <type_traits>
#include <unordered_map>
#include <vector>

using quire::column_text;

namespace {

struct user {
    std::int64_t id;
    std::string name;
    std::vector<std::byte> picture;
};
BOOST_DESCRIBE_STRUCT(user, (), (id, name, picture))

[[nodiscard]] column_text text_of_literal(std::string_view text) {
    return column_text{bytes_of(text)};
}

/// Sends a value to a stream of its own, and returns what it wrote.
[[nodiscard]] std::string printed(auto const& value, int width = 0) {
    std::ostringstream out;
    out.width(width);
    out << value;
    return out.str();
}

// It stays where it was made, and owns nothing.
static_assert(!std::is_copy_constructible_v<column_text> &&
              !std::is_move_constructible_v<column_text> &&
              !std::is_copy_assignable_v<column_text> &&
              !std::is_default_constructible_v<column_text> && !quire::owned<column_text>);
static_assert(sizeof(column_text) == sizeof(std::string_view) || quire::checked_build);

// A std::string from any, a std::string_view from none.
template <class From, class To>
constexpr bool becomes = std::is_convertible_v<From, To> && std::is_constructible_v<To, From>;
static_assert(becomes<column_text, std::string> && becomes<column_text const&, std::string>);
template <class From>
constexpr bool gives_no_view = !std::is_convertible_v<From, std::string_view> &&
                               !std::is_constructible_v<std::string_view, From> &&
                               !std::is_assignable_v<std::string_view&, From> &&
                               !std::is_constructible_v<std::optional<std::string_view>, From>;
static_assert(gives_no_view<column_text> && gives_no_view<column_text&> &&
              gives_no_view<column_text const&>);
static_assert(becomes<column_text, std::optional<std::string>>);
static_assert(!std::is_convertible_v<column_text const&, char const*> &&
              !std::is_constructible_v<std::any, column_text>);

// No other way to its bytes.
template <class T>
concept gives_data = requires(T&& text) { static_cast<T&&>(text).data(); };
template <class T>
concept gives_view = requires(T&& text) { static_cast<T&&>(text).view(); };
template <class T>
concept gives_address = requires(T&& text) { &text; };
template <class T>
concept gives_begin = requires(T&& text) { static_cast<T&&>(text).begin(); };
static_assert(!gives_data<column_text&> && !gives_data<column_text>);
static_assert(!gives_view<column_text const&> && !gives_view<column_text>);
static_assert(!gives_address<column_text const&> && !gives_address<column_text>);
static_assert(gives_begin<column_text const&> && !gives_begin<column_text>);
static_assert(std::random_access_iterator<column_text::iterator> &&
              !std::contiguous_iterator<column_text::iterator>);
static_assert(std::ranges::random_access_range<column_text const> &&
              !std::ranges::borrowed_range<column_text const> &&
              !std::is_constructible_v<std::span<char const>, column_text const&>);
static_assert(std::three_way_comparable<column_text, std::strong_ordering>);

}  // namespace

TEST_CASE("column_text: it compares by its characters, with every kind of text, from both sides") {
    std::array const words{"", "a", "ab", "b", "\xff"};
    for (std::string_view const a : words) {
        for (std::string_view const b : words) {
            auto const text = text_of_literal(a);
            auto const other = text_of_literal(b);
            std::string const string{b};
            char const* const literal = string.c_str();
            CHECK((text == other) == (a == b));
            CHECK((text == b) == (a == b));
            CHECK((b == text) == (a == b));
            CHECK((text == string) == (a == b));
            CHECK((string == text) == (a == b));
            CHECK((text == literal) == (a == b));
            CHECK((literal != text) == (a != b));
            CHECK((text <=> other) == (a <=> b));
            CHECK((text <=> string) == (a <=> b));
            CHECK((b < text) == (b < a));
            CHECK((string >= text) == (b >= a));
            CHECK((text_of_literal(a) < text_of_literal(b)) == (a < b));
            CHECK((literal <= text_of_literal(a)) == (b <= a));
        }
    }
}

TEST_CASE("column_text: a copy is a std::string, however it is made") {
    std::string const a = text_of_literal("Ada");
    std::string const b{text_of_literal("Ada")};
    std::string c;
    c = text_of_literal("Ada");
    c += text_of_literal(" L.");
    std::vector<std::string> all;
    all.push_back(text_of_literal("one"));
    all.emplace_back(text_of_literal("two"));
    auto const named = text_of_literal("three");
    all.push_back(named);
    std::string const d = named;
    std::optional<std::string> const e = text_of_literal("four");
    std::pair<std::string, int> const f{text_of_literal("five"), 5};
    CHECK((a == "Ada" && b == a && c == "Ada L." && d == "three" && e == "four"));
    CHECK(f.first == "five");
    CHECK(all == std::vector<std::string>{"one", "two", "three"});
    CHECK(*std::make_unique<std::string>(text_of_literal("six")) == "six");
}

TEST_CASE("column_text: it is found where a std::string is the key") {
    std::set<std::string, std::less<>> const names{"Ada", "Grace"};
    CHECK(names.contains(text_of_literal("Grace")));
    CHECK(!names.contains(text_of_literal("Joan")));
    std::unordered_map<std::string, int, quire::text_hash, std::equal_to<>> hashed;
    hashed[text_of_literal("Ada")] = 7;
    CHECK(hashed.find(text_of_literal("Ada"))->second == 7);
    CHECK(hashed.count(text_of_literal("Joan")) == 0);
    CHECK((hashed.contains("Ada") && hashed.contains(std::string{"Ada"})));
    for (std::string_view const word : {"", "a", "Ada", "somebody with a long name"}) {
        CHECK(quire::text_hash{}(text_of_literal(word)) == quire::text_hash{}(word));
    }
    std::map<std::string, int> ordered;
    ++ordered[text_of_literal("Ada")];
    ordered.emplace(text_of_literal("Ada"), 2);
    CHECK(ordered.at(text_of_literal("Ada")) == 1);
    CHECK(std::hash<column_text>{}(text_of_literal("Ada")) == std::hash<std::string>{}("Ada"));
}

TEST_CASE("column_text: with + it gives a std::string, whatever the other is, in both orders") {
    auto const text = text_of_literal("Ada");
    std::string const string{"Lovelace"};
    std::string_view const view{"Byron"};
    static_assert(std::is_same_v<decltype(text + "x"), std::string> &&
                  std::is_same_v<decltype(text + text), std::string>);
    CHECK(text + " K." == "Ada K.");
    CHECK("Miss " + text == "Miss Ada");
    CHECK(text + string == "AdaLovelace");
    CHECK(string + text == "LovelaceAda");
    CHECK(text + view == "AdaByron");
    CHECK(view + text == "ByronAda");
    CHECK(text + ' ' + string == "Ada Lovelace");
    CHECK('<' + text + '>' == "<Ada>");
    CHECK(text + text == "AdaAda");
    CHECK(std::string{"Miss "} + text + " K." == "Miss Ada K.");
    CHECK(text + std::string{" K."} == "Ada K.");
    CHECK(text_of_literal("A") + text_of_literal("B") + "C" == "ABC");
    CHECK("C" + text_of_literal("A") == "CA");
    CHECK(text_of_literal("") + "" == "");
    std::string all{"names:"};
    all += ' ' + text;
    CHECK(all == "names: Ada");
}

TEST_CASE("column_text: it prints like the string, width and all") {
    CHECK(printed(text_of_literal("Ada")) == "Ada");
    CHECK(printed(text_of_literal("Ada"), 5) == "  Ada");
    CHECK(printed(text_of_literal("")).empty());
}

TEST_CASE("column_text: its characters, searches and iterators are those of the string") {
    std::string_view const expected{"page and row"};
    auto const text = text_of_literal(expected);
    CHECK((text.size() == 12 && text.length() == 12 && !text.empty()));
    CHECK((text.front() == 'p' && text.back() == 'w' && text[5] == 'a'));
    CHECK((text.starts_with("page") && text.starts_with('p') && !text.starts_with("row")));
    CHECK((text.ends_with("row") && text.ends_with('w') && !text.ends_with("page")));
    CHECK((text.contains("and") && text.contains(' ') && !text.contains("or") &&
           !text.contains('z')));
    CHECK((text.starts_with(text_of_literal("page ")) && text.ends_with(text_of_literal(" row"))));
    CHECK((!text.starts_with(text_of_literal("row")) && !text.ends_with(text_of_literal("page"))));
    CHECK((text.contains(text_of_literal("and")) && !text.contains(text_of_literal("or"))));
    CHECK((text.find(text_of_literal("a")) == 1 && text.find(text_of_literal("a"), 2) == 5));
    CHECK((text.find("a") == 1 && text.find('a', 2) == 5 && text.find("a", 6) == text.npos));
    CHECK(std::ranges::equal(text, expected));
    CHECK(std::string(text.begin(), text.end()) == expected);
    CHECK(text.end() - text.begin() == 12);
    CHECK(*(text.begin() + 3) == 'e');
    CHECK(text.begin()[11] == 'w');
    CHECK(std::ranges::count(text, 'a') == 2);
    auto it = text.end();
    CHECK(*--it == 'w');
    CHECK(*it-- == 'w');
    CHECK(*it++ == 'o');
    CHECK(it + 1 == text.end());
    CHECK(text_of_literal("").empty());
    CHECK(violation_of([&] { (void)text[12]; }).find("inside of a text") != std::string::npos);
    CHECK(violation_of([] { (void)text_of_literal("").back(); }) != "");
}

TEST_CASE("column_text: a view shows the same bytes") {
    std::string_view const bytes{"in place"};
    auto const text = text_of_literal(bytes);
    CHECK(text.with_view([&](std::string_view view) {
        return view.data() == bytes.data() && view.size() == bytes.size();
    }));
    std::string const end = text_of_literal(bytes).with_view(
        [](std::string_view view) { return std::string{view.substr(3)}; });
    CHECK(end == "place");
    bool called = false;
    text.with_view([&](std::string_view) { called = true; });
    CHECK(called);
    CHECK(text_of_literal(bytes).unguarded_view().data() == bytes.data());
}

TEST_CASE("column_text: the page is lent as long as a text or its bytes are, without their row") {
    auto buffer = make_heap_page<512>();
    quire::heap_page page{buffer.span()};
    auto const slot = page.insert(user{1, "Ada", {std::byte{1}}}).value();
    CHECK(page.row<user>(slot).get<&user::name>() == page.row<user>(slot).get<&user::name>());
    { std::string const copy = page.row<user>(slot).get<&user::name>(); }
    page.compact();  // nothing is lent now
    if (!quire::checked_build) { return; }
    // Called while its argument is lent; the row has ended when the page changes.
    auto const change = [&](auto const& column, auto&& end_row) {
        end_row();
        page.compact();
        (void)column.size();
    };
    for (bool const is_text : {true, false}) {
        auto const said = violation_of([&] {
            std::optional<quire::row_view<user, std::byte const>> row;
            auto const tuple = bytes_in(page, slot);
            row.emplace(tuple, slot, quire::borrow{page, quire::lending::shared});
            auto const end_row = [&] { row.reset(); };
            is_text ? change(row->get<&user::name>(), end_row)
                    : change(row->get<&user::picture>(), end_row);
        });
        CHECK(said.find("used only until the page is next changed") != std::string::npos);
    }
    // What leads past the text keeps the page as it is.
    auto const change_after = [&](auto act) {
        return violation_of([&] {
            auto const row = page.row<user>(slot);
            auto const name = row.get<&user::name>();
            act(name);
            page.compact();
        });
    };
    auto const rule = std::string{"only while no row, tuple or range of it is lent"};
    CHECK(change_after([&](auto& name) {
              name.with_view([&](std::string_view) { page.compact(); });
          }).find(rule) != std::string::npos);
    CHECK(change_after([](auto& name) {
              name.with_view([&](std::string_view) { name.with_view([](std::string_view) {}); });
          }).starts_with("did not abort"));
    CHECK(change_after([](auto& name) { (void)name.unguarded_view(); }).find(rule) !=
          std::string::npos);
    CHECK(change_after([](auto& name) { (void)name.begin(); }).find(rule) != std::string::npos);
    auto const row = page.row<user>(slot);
    auto const name = row.get<&user::name>();
    CHECK(name == "Ada");
    CHECK(std::hash<quire::column_text>{}(name) == std::hash<std::string>{}("Ada"));
    page.compact();  // stops at nothing: neither is used again
}
