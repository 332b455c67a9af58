// SPDX-License-Identifier: BSL-1.0
#pragma once

/// item: what the first lines of a corpus file say, `// key: value` each.

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>

namespace corpus {

struct item {
    std::filesystem::path path;
    std::map<std::string, std::string> says;

    [[nodiscard]] std::string name() const { return path.stem().string(); }
    [[nodiscard]] std::string get(std::string const& key) const {
        auto const at = says.find(key);
        return at == says.end() ? "-" : at->second;
    }
    [[nodiscard]] bool has(std::string const& key) const { return says.contains(key); }
};

inline item read_item(std::filesystem::path const& path) {
    item one{path, {}};
    std::ifstream input{path};
    static std::regex const says{"// ([a-z0-9+-]+): (.*)"};
    std::smatch match;
    for (std::string line; std::getline(input, line) && line.starts_with("//");) {
        if (std::regex_match(line, match, says)) { one.says[match[1]] = match[2]; }
    }
    return one;
}

}  // namespace corpus
