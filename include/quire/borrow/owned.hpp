// SPDX-License-Identifier: BSL-1.0
#pragma once

/// owned: values that borrow nothing. Only they may leave a closure that was lent a page.
///
///     auto name = file.with_read<heap_page>(0, [&](auto const& page) {
///         auto row = quire::row<user>(page, slot);
///         return std::string{quire::get<&user::name>(row)};       // the text itself is refused
///     });
///
/// `owned<T>` looks through what holds other values. Owned are
///   - void, numbers, enumerations, std::nullptr_t, pointers to functions and to members;
///   - every type smaller than a pointer: it has no room for a borrow;
///   - page ids, and guards (of other pages: they own what they hold);
///   - std::filesystem::path and std::error_code;
///   - containers (with an allocator), container adapters, std::pair, tuple, array, optional,
///     expected, variant, unique_ptr, shared_ptr, durations and points in time: when all types in
///     their brackets are, deleters, comparators and allocators included;
///   - aggregates without bases, of at most 12 members that {} can initialise: when those are;
///   - described structs and classes, private members and bases included (row/described.hpp);
///   - every type that you vouch for, which is to declare it owned: `template <> inline constexpr
///     bool quire::owns_its_values<money> = true;`. It may also be false, to refuse a type.
/// Nothing else is: references, pointers, spans, string views, iterators, std::reference_wrapper,
/// closures that captured something, std::function, std::any, unions, and classes that are neither
/// described nor declared owned. Such a class may hide a view; to declare it owned is one line.
///
/// Not detected: a smart pointer made from a pointer into the page, or to a base of a class that
/// borrows; what a closure stores elsewhere. An aggregate whose members cannot be listed (anonymous
/// unions, members that {} cannot initialise) is an error that names it: describe it, or declare it
/// owned.

#include <quire/base/page_id.hpp>

#include <array>         // std::array
#include <optional>      // std::optional
#include <system_error>  // std::error_code
#include <tuple>         // std::tuple
#include <type_traits>   // std::is_class_v and others

namespace quire::inline QUIRE_ABI {

namespace detail {

struct not_vouched_for {};

}  // namespace detail

/// Whether a T owns all it holds. To be specialised for types of which `owned` cannot know it.
template <class T>
inline constexpr auto owns_its_values = detail::not_vouched_for{};
template <>
inline constexpr bool owns_its_values<page_no> = true;
template <>
inline constexpr bool owns_its_values<page_id> = true;
template <>
inline constexpr bool owns_its_values<std::error_code> = true;

namespace detail {

template <class...>
struct type_list {};

/// Converts to the bases of T alone.
template <class T>
struct to_base_of {
    template <class Base>
        requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>)
    operator Base() const;
};

/// Whether T's members can be counted: there are as many as the most {}s that can initialise it.
template <class T>
concept countable = std::is_aggregate_v<T> && !requires { std::tuple_size<T>::value; } &&
                    !std::is_union_v<T> && !std::is_array_v<T> &&
                    !requires { T{to_base_of<T>{}}; } && requires { T{}; } &&
                    !requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };

template <countable T>
auto types_of_members(T& of) {
    if constexpr (requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l] = of;
        return type_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                         decltype(f), decltype(g), decltype(h), decltype(i), decltype(j),
                         decltype(k), decltype(l)>{};
    } else if constexpr (requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e, f, g, h, i, j, k] = of;
        return type_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                         decltype(f), decltype(g), decltype(h), decltype(i), decltype(j),
                         decltype(k)>{};
    } else if constexpr (requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e, f, g, h, i, j] = of;
        return type_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                         decltype(f), decltype(g), decltype(h), decltype(i), decltype(j)>{};
    } else if constexpr (requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e, f, g, h, i] = of;
        return type_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                         decltype(f), decltype(g), decltype(h), decltype(i)>{};
    } else if constexpr (requires { T{{}, {}, {}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e, f, g, h] = of;
        return type_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                         decltype(f), decltype(g), decltype(h)>{};
    } else if constexpr (requires { T{{}, {}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e, f, g] = of;
        return type_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                         decltype(f), decltype(g)>{};
    } else if constexpr (requires { T{{}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e, f] = of;
        return type_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                         decltype(f)>{};
    } else if constexpr (requires { T{{}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e] = of;
        return type_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e)>{};
    } else if constexpr (requires { T{{}, {}, {}, {}}; }) {
        auto& [a, b, c, d] = of;
        return type_list<decltype(a), decltype(b), decltype(c), decltype(d)>{};
    } else if constexpr (requires { T{{}, {}, {}}; }) {
        auto& [a, b, c] = of;
        return type_list<decltype(a), decltype(b), decltype(c)>{};
    } else if constexpr (requires { T{{}, {}}; }) {
        auto& [a, b] = of;
        return type_list<decltype(a), decltype(b)>{};
    } else if constexpr (requires { T{{}}; }) {
        auto& [a] = of;
        return type_list<decltype(a)>{};
    } else {
        static_cast<void>(of);
        return type_list<>{};
    }
}

/// The types of T's members and bases, where they are known. Described types: row/described.hpp.
template <class T>
struct known_members {};
template <class T, std::size_t N>
struct known_members<std::array<T, N>> {
    using type = type_list<T>;
};
template <countable T>
struct known_members<T> {
    using type = decltype(types_of_members(std::declval<T&>()));
};

template <class T, class... Above>
[[nodiscard]] consteval bool is_owned();

template <class... Above, class... T>
[[nodiscard]] consteval bool are_owned(type_list<T...>) {
    return (is_owned<T, Above...>() && ...);
}
/// The types in a template's brackets.
template <class T>
struct brackets {};
template <template <class...> class Template, class... T>
struct brackets<Template<T...>> {
    using type = type_list<T...>;
};

/// Templates that hold values of the types in their brackets and nothing else. Most are recognised
/// by their shape, so that their headers need not be included.
template <class T>
inline constexpr bool holds_its_brackets = requires(T& t) {
    typename T::allocator_type;
    typename T::value_type;
} || requires(T& t) {
    typename T::container_type;
    typename T::size_type;
} || requires(T& t) { t.valueless_by_exception(); } || requires(T& t) {
    typename T::unexpected_type;
    typename T::error_type;
} || requires {  // std::unique_ptr
    typename T::element_type;
    typename T::deleter_type;
} || requires {  // std::shared_ptr
    typename T::element_type;
    typename T::weak_type;
};
template <class... T>
inline constexpr bool holds_its_brackets<std::tuple<T...>> = true;
template <class A, class B>
inline constexpr bool holds_its_brackets<std::pair<A, B>> = true;
template <class T>
inline constexpr bool holds_its_brackets<std::optional<T>> = true;

template <class T>
concept template_of_values = holds_its_brackets<T> && requires { typename brackets<T>::type; };
template <class T>
concept complete = requires { sizeof(T); };
template <class T>
concept duration_like = requires { typename T::rep; typename T::period; };
template <class T>
concept time_point_like = requires { typename T::clock; typename T::duration; };
template <class T>
concept path_like = requires {
    typename T::string_type;
    T::preferred_separator;
};
template <class T>
concept has_known_members = requires { typename known_members<T>::type; };

/// `Above` are the types being looked into: for a type that holds itself, its other members decide.
template <class T, class... Above>
[[nodiscard]] consteval bool is_owned() {
    if constexpr (std::is_const_v<T> || std::is_volatile_v<T>) {
        return is_owned<std::remove_cv_t<T>, Above...>();
    } else if constexpr ((std::is_same_v<T, Above> || ...)) {
        return true;
    } else if constexpr (std::is_same_v<decltype(owns_its_values<T>), bool const>) {
        return owns_its_values<T>;
    } else if constexpr (std::is_array_v<T>) {
        return is_owned<std::remove_extent_t<T>, Above...>();
    } else if constexpr (std::is_pointer_v<T>) {
        return std::is_function_v<std::remove_pointer_t<T>>;
    } else if constexpr (std::is_void_v<T>) {
        return sizeof...(Above) == 0;  // in brackets it may stand for any type
    } else if constexpr (!std::is_class_v<T>) {
        return !std::is_reference_v<T> && !std::is_union_v<T>;
    } else if constexpr (!complete<T>) {
        return false;
    } else if constexpr (sizeof(T) < sizeof(void*)) {
        return true;
    } else if constexpr (template_of_values<T>) {
        return are_owned<T, Above...>(typename brackets<T>::type{});
    } else if constexpr (duration_like<T>) {
        return is_owned<typename T::rep, T, Above...>();
    } else if constexpr (time_point_like<T>) {
        return is_owned<typename T::duration, T, Above...>();
    } else if constexpr (path_like<T>) {
        return is_owned<typename T::string_type, T, Above...>();
    } else if constexpr (has_known_members<T>) {
        return are_owned<T, Above...>(typename known_members<T>::type{});
    } else {
        return false;
    }
}

}  // namespace detail

/// A value that borrows nothing, as far as its type shows. `void` is one.
template <class T>
concept owned = detail::is_owned<T>();

}  // namespace quire::inline QUIRE_ABI
