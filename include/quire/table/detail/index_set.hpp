// SPDX-License-Identifier: BSL-1.0
#pragma once

/// index_set: all indexes of a table, and what one operation does to each of them.

#include <quire/table/detail/table_index.hpp>

#include <algorithm>  // std::ranges::sort
#include <array>      // std::array
#include <string>     // std::string

namespace quire::inline QUIRE_ABI::detail {

/// Indexes are immovable: each is a base of its own, told apart by its number.
template <std::size_t I, class Index>
struct numbered_index {
    Index index;
};

template <class Numbers, class... Index>
class index_bases;
template <std::size_t... I, class... Index>
class index_bases<std::index_sequence<I...>, Index...> : protected numbered_index<I, Index>... {
public:
    template <class Store>
    index_bases([[maybe_unused]] Store& db, [[maybe_unused]] std::string_view table)
        : numbered_index<I, Index>{Index{db, table}}... {}

    /// `fn(index)` for each, in the order of their declarations.
    template <class Fn>
    void for_each([[maybe_unused]] Fn fn) const {
        (fn(static_cast<numbered_index<I, Index> const&>(*this).index), ...);
    }
    /// `fn(index, edit)` for each, until one returns false. Whether none did.
    template <class Edits, class Fn>
    static bool all_of([[maybe_unused]] index_bases const& indexes, [[maybe_unused]] Edits& edits,
                       [[maybe_unused]] Fn fn) {
        return (fn(static_cast<numbered_index<I, Index> const&>(indexes).index,
                   std::get<I>(edits)) &&
                ...);
    }
};

/// Whether no two of the types are the same.
template <class First, class... Rest>
[[nodiscard]] consteval bool are_distinct(std::type_identity<First>,
                                          std::type_identity<Rest>... rest) {
    if constexpr (sizeof...(Rest) == 0) {
        return true;
    } else {
        return (!std::same_as<First, Rest> && ...) && are_distinct(rest...);
    }
}
[[nodiscard]] consteval bool are_distinct() { return true; }

template <class... Index>
class index_set : public index_bases<std::index_sequence_for<Index...>, Index...> {
    using bases = index_bases<std::index_sequence_for<Index...>, Index...>;
    static_assert(are_distinct(std::type_identity<typename Index::format::members>{}...),
                  "a table has one index over the same members: unique or not");

public:
    using bases::bases;
    static constexpr std::size_t count = sizeof...(Index);

    /// "customer; unique id": what a table was declared with, in whatever order.
    [[nodiscard]] static std::string names() {
        std::array<std::string, sizeof...(Index)> each{
            (Index::format::is_unique ? "unique " : "") + Index::format::name()...};
        std::ranges::sort(each);
        std::string all;
        for (auto const& one : each) { all += (all.empty() ? "" : "; ") + one; }
        return all;
    }

    /// What an operation on one row does to the indexes, in the steps of table_index.hpp.
    class edits {
    public:
        template <class Row>
        void plan(index_set const& indexes, Row const* before, Row const* after, record_id id) {
            bases::all_of(indexes, edits_, [&](auto const& index, auto& one) {
                index.plan(one, before, after, id);
                return true;
            });
        }
        /// False if one has no room.
        template <class Changes>
        [[nodiscard]] bool prepare(Changes& changes, index_set const& indexes) {
            full_ = 0;
            return bases::all_of(indexes, edits_, [&](auto const& index, auto& one) {
                ++full_;
                return index.prepare(changes, one);
            });
        }
        template <class Changes>
        void apply(Changes& changes, index_set const& indexes) const {
            each(indexes, [&](auto const& index, auto const& one) { index.apply(changes, one); });
        }
        /// In the index that had none.
        void make_room(index_set const& indexes) const {
            that_is_full(indexes, [](auto const& index, auto const& one) { index.make_room(one); });
        }
        template <class Changes>
        void make_room_in(Changes& changes, index_set const& indexes) const {
            that_is_full(indexes, [&](auto const& index, auto const& one) {
                index.make_room_in(changes, one);
            });
        }
        void tidy(index_set const& indexes) const {
            each(indexes, [](auto const& index, auto const& one) { index.tidy(one); });
        }
        template <class Changes>
        void tidy_in(Changes& changes, index_set const& indexes) const {
            each(indexes,
                 [&](auto const& index, auto const& one) { index.tidy_in(changes, one); });
        }

    private:
        template <class Fn>
        void each(index_set const& indexes, Fn fn) const {
            bases::all_of(indexes, edits_, [&](auto const& index, auto const& one) {
                fn(index, one);
                return true;
            });
        }
        template <class Fn>
        void that_is_full(index_set const& indexes, Fn fn) const {
            std::size_t number = 0;
            each(indexes, [&](auto const& index, auto const& one) {
                if (++number == full_) { fn(index, one); }
            });
        }

        std::tuple<typename Index::edit...> edits_;
        std::size_t full_ = 0;
    };

    /// The index over exactly these members, in this order.
    template <auto... Members>
    [[nodiscard]] auto const& over() const noexcept {
        constexpr auto number = number_of<Members...>();
        static_assert(number < sizeof...(Index),
                      "the table has no index over these members: declare "
                      "quire::unique<...> or quire::indexed<...> with them, in this order");
        return numbered<number>();
    }

private:
    template <auto... Members>
    [[nodiscard]] static consteval std::size_t number_of() {
        std::size_t number = 0;
        std::size_t found = sizeof...(Index);
        ((std::same_as<typename Index::format::members, member_list<Members...>>
              ? static_cast<void>(found = number)
              : static_cast<void>(0),
          ++number),
         ...);
        return found;
    }
    template <std::size_t I>
    [[nodiscard]] auto const& numbered() const noexcept {
        using found = std::tuple_element_t<I, std::tuple<std::type_identity<Index>...>>;
        return static_cast<numbered_index<I, typename found::type> const&>(*this).index;
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
