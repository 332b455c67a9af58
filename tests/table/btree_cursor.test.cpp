// SPDX-License-Identifier: BSL-1.0
#include <quire/table/btree_cursor.hpp>

#include "catch.hpp"
#include "death.hpp"
#include "table/tree_world.hpp"

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using Catch::Matchers::ContainsSubstring;

namespace {

using world = quire_test::tree_world<512>;
template <class Value>
using tree_of = world::tree<std::uint32_t, Value>;

struct order {
    std::int64_t id;
    std::string customer;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, customer))

using bytes = std::vector<std::byte>;

static_assert(std::is_copy_constructible_v<tree_of<order>::cursor> &&
              std::is_move_constructible_v<tree_of<order>::cursor> &&
              std::is_copy_assignable_v<tree_of<order>::cursor> &&
              std::is_move_assignable_v<tree_of<order>::cursor>);
static_assert(quire::detail::lent_to_borrower<order> && quire::detail::lent_to_borrower<bytes> &&
              quire::detail::lent_with_loan<std::string> &&
              !quire::detail::lent_to_borrower<std::string> &&
              !quire::detail::lent_with_loan<std::uint32_t> &&
              !quire::detail::lent_with_loan<std::monostate>);

/// What makes the second value of the tree; the first is of the same length.
template <class Value>
Value made(char c) {
    if constexpr (std::is_same_v<Value, order>) {
        return {c, std::string(20, c)};
    } else if constexpr (std::is_same_v<Value, std::string>) {
        return std::string(20, c);
    } else {
        return bytes(20, std::byte(c));
    }
}

/// What a text, bytes or a row begin with.
char first_of(quire::column_text const& text) { return text.front(); }
char first_of(quire::byte_view<std::byte const> const& part) {
    return static_cast<char>(part[0]);
}
char first_of(auto const& row) { return row.template get<&order::customer>().front(); }

}  // namespace

TEMPLATE_TEST_CASE("btree_cursor: shows a value of each kind, and a copy shows it for itself", "",
                   order, std::string, bytes) {
    world w{false};
    tree_of<TestType> tree{*w.db, "t"};
    tree.put(1, made<TestType>('a'));
    tree.put(2, made<TestType>('b'));
    auto at = tree.first();
    { auto const& value = at.value(); CHECK(first_of(value) == 'a'); }
    auto copy = at;
    {
        auto const& value = at.value();
        copy.next();  // the other cursor's
        CHECK(first_of(value) == 'a');
        CHECK(copy.key() == 2);
        auto const& later = copy.value();
        CHECK(first_of(later) == 'b');
    }
    at = copy;
    CHECK(at.key() == 2);
    auto const moved = std::move(copy);
    { auto const& value = moved.value(); CHECK(first_of(value) == 'b'); }
    at.previous();
    auto const& value = at.value();
    CHECK(first_of(value) == 'a');
}

#if QUIRE_CHECKED

TEMPLATE_TEST_CASE("btree_cursor: in checked builds its value ends before it goes on", "", order,
                   std::string, bytes) {
    using tree_type = tree_of<TestType>;
    auto const after = [](auto step) {
        return violation_of([&] {
            world w{false};
            tree_type tree{*w.db, "t"};
            for (std::uint32_t i = 1; i < 4; ++i) { tree.put(i, made<TestType>('a')); }
            auto at = tree.lower_bound(2);
            auto const& value = at.value();
            step(at, tree);
            static_cast<void>(first_of(value));
        });
    };
    auto const rule = ContainsSubstring("used only until the page is next changed");
    CHECK_THAT(after([](auto& at, tree_type&) { at.next(); }), rule);
    CHECK_THAT(after([](auto& at, tree_type&) { at.previous(); }), rule);
    CHECK_THAT(after([](auto& at, tree_type& tree) {
                   auto const other = tree.first();
                   at = other;
               }),
               rule);
    CHECK_THAT(after([](auto& at, tree_type& tree) { at = tree.first(); }), rule);
    CHECK_THAT(after([](auto& at, tree_type&) {
                   [[maybe_unused]] auto const other = std::move(at);
               }), rule);
    CHECK_THAT(after([](auto& at, tree_type& tree) {
                   auto other = tree.first();
                   other = std::move(at);
               }),
               rule);
    CHECK_THAT(after([](auto& at, tree_type&) { [[maybe_unused]] auto const other = at; }),
               ContainsSubstring("did not abort"));
    world w{false};
    tree_type tree{*w.db, "t"};
    tree.put(1, made<TestType>('a'));
    auto at = tree.first();
    auto const& value = at.value();
    CHECK(first_of(value) == 'a');
    at.next();  // stops at nothing: the value is not used again
}

TEST_CASE("btree_cursor: in checked builds a view of its text keeps it where it is") {
    auto const with_cursor = [](auto fn) {
        return violation_of([&] {
            world w{false};
            tree_of<std::string> tree{*w.db, "t"};
            tree.put(1, "a");
            fn(std::make_optional(tree.first()));
        });
    };
    CHECK_THAT(with_cursor([](auto at) {
                   auto const value = at->value();
                   static_cast<void>(value.unguarded_view());
                   at->next();
               }),
               ContainsSubstring("a page is changed only while"));
    CHECK_THAT(with_cursor([](auto at) {
                   auto const value = at->value();
                   at.reset();
               }),
               ContainsSubstring("end before its view does"));
}

#endif
