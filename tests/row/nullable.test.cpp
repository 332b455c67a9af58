// SPDX-License-Identifier: BSL-1.0
#include <quire/row/nullable.hpp>

#include "catch.hpp"
#include "death.hpp"
#include "page/page_buffer.hpp"

#include <quire/borrow/byte_view.hpp>
#include <quire/borrow/owned.hpp>
#include <quire/row/codec.hpp>

#include <optional>
#include <sstream>
#include <type_traits>
#include <vector>

using quire::column_text;
using quire::nullable;

namespace {

using text = nullable<column_text>;
using bytes = nullable<quire::byte_view<std::byte const>>;

struct memo {
    std::int64_t id;
    std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(memo, (), (id, note))

[[nodiscard]] text some(std::string_view characters) {
    return text{std::in_place, bytes_of(characters)};
}
[[nodiscard]] text null() { return std::nullopt; }

static_assert(!std::is_copy_constructible_v<text> && !std::is_move_constructible_v<text> &&
              !std::is_copy_assignable_v<text> && !std::is_default_constructible_v<text> &&
              !quire::owned<text> && !quire::owned<bytes>);
static_assert(sizeof(text) == sizeof(std::optional<std::string_view>) || quire::checked_build);

// What it lends needs a name, and so does a view of that.
template <class T>
concept has_star = requires(T&& t) { *static_cast<T&&>(t); };
template <class T>
concept has_arrow = requires(T&& t) { static_cast<T&&>(t).operator->(); };
template <class T>
concept has_value_of = requires(T&& t) { static_cast<T&&>(t).value(); };
static_assert(has_star<text const&> && has_arrow<text const&> && has_value_of<text const&>);
static_assert(!has_star<text> && !has_arrow<text> && !has_value_of<text>);
static_assert(!std::is_convertible_v<text const&, std::string_view> &&
              !std::is_convertible_v<text const&, bool> &&
              !std::is_constructible_v<std::optional<std::string_view>, text>);
static_assert(std::is_convertible_v<text, std::optional<std::string>> &&
              !std::is_convertible_v<bytes, std::optional<std::string>>);

// For null stands a literal, in place; any other text is copied.
template <class Other>
using given_or = decltype(std::declval<text const&>().value_or(std::declval<Other>()));
static_assert(std::same_as<decltype(null().value_or("none")), column_text>);
static_assert(std::same_as<given_or<std::string const&>, std::string> &&
              std::same_as<given_or<std::string_view>, std::string> &&
              std::same_as<given_or<char const*>, std::string>);

}  // namespace

TEST_CASE("nullable: it lends a value, or none") {
    auto const here = some("note");
    auto const none = null();
    CHECK((here && here.has_value() && *here == "note" && here->size() == 4));
    CHECK(here.value() == "note");
    CHECK((!none && !none.has_value()));
    CHECK_THROWS_AS(none.value(), std::bad_optional_access);
    CHECK(violation_of([&] { (void)none->size(); }) ==
          violation_of([&] { (void)*none; }));
    CHECK(violation_of([&] { (void)*none; }).find("null has no value") != std::string::npos);
}

TEST_CASE("nullable: something else stands for null") {
    std::string const other{"other"};
    CHECK(some("note").value_or("none") == "note");
    CHECK(null().value_or("none") == "none");
    CHECK(null().value_or("").empty());
    CHECK(some("").value_or("none").empty());
    CHECK(some("note").value_or(other) == "note");
    CHECK(null().value_or(other) == "other");
    CHECK(null().value_or(std::string{"temporary"}) == "temporary");
    std::ostringstream out;
    out << some("note").value_or("none") << ' ' << null().value_or("none");
    CHECK(out.str() == "note none");
}

TEST_CASE("nullable: a copy is an optional string") {
    std::optional<std::string> copy = some("note");
    CHECK(copy == "note");
    copy = null();
    CHECK(copy == std::nullopt);
}

TEST_CASE("nullable: null equals null, and no text, not even an empty one") {
    std::optional<std::string> const no_string;
    std::optional<std::string> const empty{""};
    CHECK((null() == std::nullopt && std::nullopt == null() && null() == null()));
    CHECK((null() == no_string && no_string == null() && null() != empty && empty != null()));
    CHECK((null() != "" && "" != null() && null() != some("") && some("") != null()));
    CHECK((null() == no_string && !(null() != no_string) && !(no_string != null())));
    CHECK((some("") != std::nullopt && some("") == "" && some("") == empty));
    CHECK((some("") != no_string && no_string != some("") && empty == some("")));
    CHECK((some("a") == "a" && some("a") != "b"));
    CHECK((some("a") == some("a") && some("a") != some("b")));
    CHECK((std::string{"a"} == some("a") && std::string_view{"b"} != some("a")));
    auto const a = some("a");
    auto const same = some("a");
    CHECK((a == *same && *same == a && null() != *same));
    CHECK((bytes{std::nullopt} == std::nullopt));
}

TEST_CASE("nullable: the page is lent as long as it or its text is, without their row") {
    auto buffer = make_heap_page<512>();
    quire::heap_page page{buffer.span()};
    auto const slot = page.insert(memo{1, "note"}).value();
    auto const none = page.insert(memo{2, std::nullopt}).value();
    CHECK(page.row<memo>(slot).get<&memo::note>().value_or("none") == "note");
    CHECK(page.row<memo>(none).get<&memo::note>().value_or("none") == "none");
    page.compact();  // nothing is lent now
    if (!quire::checked_build) { return; }
    auto const rule = "used only until the page is next changed";
    auto const tuple = bytes_in(page, slot);
    auto const said_by_column = violation_of([&] {
        std::optional<quire::row_view<memo, std::byte const>> row;
        row.emplace(tuple, slot, quire::borrow{page, quire::lending::shared});
        auto const change = [&](auto const& note) {
            row.reset();
            page.compact();
            (void)note.value().size();
        };
        change(row->get<&memo::note>());
    });
    CHECK(said_by_column.find(rule) != std::string::npos);
    auto const said_by_text = violation_of([&] {
        std::optional<text> note;
        note.emplace(std::in_place, tuple, quire::borrow{page, quire::lending::shared});
        auto const shown = note->value_or("none");
        note.reset();
        page.compact();
        (void)shown.size();
    });
    CHECK(said_by_text.find(rule) != std::string::npos);
}
