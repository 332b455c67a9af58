// SPDX-License-Identifier: BSL-1.0
#pragma once

/// lent_closure: what is asked of a function that is lent a page, in sentences.

#include <quire/borrow/owned.hpp>

#include <type_traits>  // std::is_invocable_v

namespace quire::inline QUIRE_ABI::detail {

/// Sentences for closures that are lent a page.
template <class Page, class Fn, class... Arguments>
consteval void expect_owned_result() {
    constexpr bool takes_it = std::is_invocable_v<Fn, Page, Arguments...>;
    static_assert(takes_it, "fn is called with the page's view by reference, const when it is only "
                            "read, and then the arguments: [](auto const& page) { ... }");
    if constexpr (takes_it) {
        static_assert(owned<std::invoke_result_t<Fn, Page, Arguments...>>,
                      "the result of fn may borrow from the page, whose guard ends with the call: "
                      "return what owns what it holds (std::string, numbers, structs and "
                      "containers of those), or vouch for a class with quire::owns_its_values");
    }
}
template <class Fn, class... Arguments>
consteval void expect_sealed() {
    static_assert(std::is_empty_v<Fn> && std::is_default_constructible_v<Fn>,
                  "a sealed fn captures nothing: pass what it needs as further arguments");
    static_assert((owned<Arguments> && ...),
                  "the arguments of a sealed fn own what they hold: a std::string_view, span or "
                  "pointer could take a borrow out");
}

}  // namespace quire::inline QUIRE_ABI::detail
