// SPDX-License-Identifier: BSL-1.0
#pragma once

/// stanzas: the input of examples/engine.cpp: lists of Debian's packages, `Field: value` lines with
/// a blank line behind each package. The first line of a field counts.

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

struct listed_package {
    std::string name, version, section;
    std::uint64_t size_kib;
    std::set<std::string> needs;
};

inline std::uint64_t number_in(std::string const& text) {
    std::uint64_t number = 0;
    auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed == std::errc{} && end == text.data() + text.size()) { return number; }
    throw std::runtime_error{"not a number: " + text};
}

/// The packages that come first in each item: of "a (>= 1) | b, c:any" a and c.
inline std::set<std::string> names_in(std::string const& list) {
    std::set<std::string> names;
    std::istringstream items{list};
    for (std::string item; std::getline(items, item, ',');) {
        auto const begin = std::min(item.find_first_not_of(" \t"), item.size());
        names.insert(item.substr(begin, item.find_first_of(" \t:(|[<", begin) - begin));
    }
    names.erase("");
    return names;
}

/// Of the fields of a stanza; a line that is no field has the name "". Throws if it is malformed.
inline listed_package package_of(std::map<std::string, std::string> fields) {
    if (fields.contains("")) { throw std::runtime_error{"not 'Field: value': " + fields[""]}; }
    if (fields["Package"].empty()) { throw std::runtime_error{"no Package field"}; }
    auto const& size = fields["Installed-Size"];
    return {fields["Package"], fields["Version"], fields["Section"],
            size.empty() ? 0 : number_in(size),
            names_in(fields["Pre-Depends"] + ',' + fields["Depends"])};
}

/// Calls `take(line_no, fields)` for each stanza, with the line where it ends.
void for_each_stanza(std::string const& path, auto take) {
    std::ifstream input{path};
    std::map<std::string, std::string> fields;
    std::string line;
    for (std::size_t no = 1; std::getline(input, line) || !fields.empty(); ++no, line.clear()) {
        if (line.empty()) {
            if (!fields.empty()) { take(no, std::exchange(fields, {})); }
        } else if (line.front() != ' ' && line.front() != '\t') {
            auto const colon = line.find(':');
            bool const is_field = colon != std::string::npos;
            auto const value = line.find_first_not_of(" \t", is_field ? colon + 1 : 0);
            fields[is_field ? line.substr(0, colon) : ""] =
                line.substr(std::min(value, line.size()));
        }
    }
    if (input.bad()) { throw std::runtime_error{"cannot read " + path + " to its end"}; }
}
