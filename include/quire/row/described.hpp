// SPDX-License-Identifier: BSL-1.0
#pragma once

/// described: classes that Boost.Describe knows, for rows and for `owned`.
///
///     class account { std::int64_t id_; std::string name_; BOOST_DESCRIBE_CLASS(account, (), (),
///                     (), (id_, name_)) };
///     static_assert(quire::owned<account>);
///
/// Private members and bases count. quire cannot see what a description leaves out: the author of
/// the description must make sure that it is complete.
///
/// Limits of Boost.Describe: a description names at most 52 members (at the 53rd the compiler says
/// that it expected a bracket: move some into a base or a struct inside, which have their own 52);
/// it names no reference; it must be in the struct's own namespace, else it is not found; and each
/// base that it names is described too.

#include <quire/borrow/owned.hpp>

#include <boost/describe/bases.hpp>
#include <boost/describe/members.hpp>

namespace quire::inline QUIRE_ABI {

/// A struct with a description: BOOST_DESCRIBE_STRUCT(T, (bases), (members)).
template <class T>
concept described = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;

namespace detail {

template <class Member>
struct type_of_member;
template <class T, class Class>
struct type_of_member<T Class::*> {
    using type = T;
};

template <template <class...> class List, class... Base, class... Member>
type_list<typename Base::type...,
          typename type_of_member<std::remove_cv_t<decltype(Member::pointer)>>::type...>
    bases_and_members(List<Base...>, List<Member...>);

template <class T>
    requires(!countable<T>) && boost::describe::has_describe_members<T>::value &&
            boost::describe::has_describe_bases<T>::value
struct known_members<T> {
    using type = decltype(bases_and_members(
        boost::describe::describe_bases<T, boost::describe::mod_any_access>{},
        boost::describe::describe_members<T, boost::describe::mod_any_access>{}));
};

/// Whether T and its bases are described, as far as descriptions name them.
template <class T>
[[nodiscard]] consteval bool is_described_to_its_roots() {
    if constexpr (described<T>) {
        return []<template <class...> class List, class... Base>(List<Base...>) {
            return (is_described_to_its_roots<typename Base::type>() && ...);
        }(boost::describe::describe_bases<T, boost::describe::mod_any_access>{});
    } else {
        return false;
    }
}

template <class T, bool = is_described_to_its_roots<T>()>
struct all_members {
    using type = type_list<>;
};
template <class T>
struct all_members<T, true> {
    template <template <class...> class List, class... Member>
    static type_list<Member...> listed(List<Member...>);
    static constexpr unsigned which = boost::describe::mod_any_access |
                                      boost::describe::mod_inherited | boost::describe::mod_hidden;
    using type = decltype(listed(boost::describe::describe_members<T, which>{}));
};

/// Descriptors (`pointer`, `name`) of T's members, those of bases first.
template <class T>
using members_of = typename all_members<T>::type;

/// The type of a described member, const if it is.
template <class Member>
using member_type = typename type_of_member<std::remove_cv_t<decltype(Member::pointer)>>::type;

}  // namespace detail
}  // namespace quire::inline QUIRE_ABI
