// SPDX-License-Identifier: BSL-1.0

/// results: the only source that uses JSON, and that compiles Boost.JSON.

#include "results.hpp"

#include <boost/json/src.hpp>
#include <boost/mp11.hpp>

#include <type_traits>
#include <vector>

namespace quire_report {
namespace {

namespace json = boost::json;

template <class T>
char const* name_of() {
    if constexpr (std::is_same_v<T, std::string>) { return "string"; }
    if constexpr (std::is_same_v<T, bool>) { return "truth value"; }
    if constexpr (std::is_unsigned_v<T>) { return "count"; }
    return "number";
}

json::value const& member(json::object const& of, std::string const& where, char const* name) {
    auto const* const found = of.if_contains(name);
    if (found == nullptr) { throw malformed{where + ": no \"" + name + "\""}; }
    return *found;
}

/// Instead of json::value_to, whose errors say neither where nor what.
template <class T>
T described(json::value const& from, std::string const& where) {
    namespace describe = boost::describe;
    auto const* const object = from.if_object();
    if (object == nullptr) { throw malformed{where + ": not an object"}; }
    T to;
    boost::mp11::mp_for_each<describe::describe_members<T, describe::mod_public>>([&](auto one) {
        using type = std::remove_reference_t<decltype(to.*one.pointer)>;
        auto const got = json::try_value_to<type>(member(*object, where, one.name));
        if (!got) { throw malformed{where + ": \"" + one.name + "\" is no " + name_of<type>()}; }
        to.*one.pointer = *got;
    });
    return to;
}

template <class T>
std::vector<T> list(json::object const& of, std::string const& where, char const* name) {
    auto const* const array = member(of, where, name).if_array();
    if (array == nullptr) { throw malformed{where + ": \"" + name + "\" is no list"}; }
    std::vector<T> all;
    for (auto const& one : *array) {
        auto const number = std::to_string(all.size() + 1);
        all.push_back(described<T>(one, where + ", " + name + ", number " + number));
    }
    return all;
}

void check(program const& of) {
    for (std::size_t i = 0; i < of.goals.size(); ++i) {
        auto const& way = of.goals[i].met_by;
        if (way == "at most" || way == "at least") { continue; }
        throw malformed{of.name + ", targets, number " + std::to_string(i + 1) +
                        ": \"met_by\" is neither at most nor at least"};
    }
}

}  // namespace

results parse(std::string const& text) {
    boost::system::error_code error;
    auto const all = json::parse(text, error);
    if (error) { throw malformed{"not JSON: " + error.message()}; }
    results found{described<origin>(all, "not of bench/run"), {}};
    for (auto const& [name, value] : all.get_object()) {
        auto const* const object = value.if_object();
        if (object == nullptr) { continue; }
        std::string const where{name.begin(), name.end()};
        found.programs.push_back(
            {where, list<line>(*object, where, "lines"), list<goal>(*object, where, "targets")});
        check(found.programs.back());
    }
    if (found.programs.empty()) { throw malformed{"no program has measured anything"}; }
    return found;
}

}  // namespace quire_report
