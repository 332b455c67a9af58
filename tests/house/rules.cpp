// SPDX-License-Identifier: BSL-1.0
#include "rules.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <stdexcept>
#include <string_view>
#include <tuple>

namespace fs = std::filesystem;

namespace house {
namespace {

constexpr std::size_t header_lines_max = 400;
constexpr std::size_t columns_max = 100;
constexpr std::size_t note_line_max = 10;
constexpr std::string_view header_root = "include/quire/";
// The one file that makes a page resident, and the one that ends that.
constexpr std::string_view residency = "include/quire/pool/detail/residency.hpp";
constexpr std::string_view header_list = "cmake/headers.cmake";

// The layer table: a room, and the rooms it may include beside itself.
std::map<std::string, std::set<std::string>> const layers{
    {"log", {"base", "memory", "io", "latch"}},
    {"base", {}},
    {"borrow", {"base"}},
    {"memory", {"base"}},
    {"io", {"base", "memory"}},
    {"latch", {"base"}},
    {"evict", {"base"}},
    {"page", {"base", "borrow"}},
    {"row", {"base", "borrow", "page"}},
    {"pool", {"base", "borrow", "memory", "io", "latch", "evict", "log"}},
    {"table", {"base", "borrow", "page", "row", "pool", "log"}},
    {"testing", {"base", "io", "latch", "evict"}},
};

// In no room: they include and do nothing else. quire.hpp has everything.
constexpr std::array umbrellas{"quire.hpp", "pool.hpp"};
// Not in quire.hpp: a program that wants them includes them.
constexpr std::array not_in_umbrella{"quire/io/uring_backend.hpp", "quire/io/rbd_backend.hpp",
                                     "quire/testing/",             "quire/log/",
                                     "quire/pool/change.hpp",      "quire/table/"};

constexpr std::array boost_rooms{"row/"};
constexpr std::array posix_rooms{"io/detail/", "latch/detail/", "memory/",
                                 "base/cancellation_off.hpp"};
constexpr std::array posix_folders{"arpa/", "asm/",     "asm-generic/", "bits/", "linux/",
                                   "net/",  "netinet/", "rados/",       "rbd/",  "sys/"};
constexpr std::array posix_headers{
    "aio.h",    "dirent.h", "dlfcn.h",   "fcntl.h",   "grp.h",    "liburing.h", "mqueue.h",
    "numa.h",   "numaif.h", "poll.h",    "pthread.h", "pwd.h",    "sched.h",    "semaphore.h",
    "signal.h", "spawn.h",  "syscall.h", "termios.h", "unistd.h",
};

struct source {
    std::string path;                // below the root, with '/'
    std::vector<std::string> lines;  // as they stand
    std::vector<std::string> code;   // without comments
};

using sources = std::map<std::string, source>;
using violations = std::vector<violation>;

bool starts_with_any(std::string_view text, auto const& prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](std::string_view prefix) { return text.starts_with(prefix); });
}

bool is_header(std::string_view path) {
    return path.starts_with("include/") && path.ends_with(".hpp");
}

bool is_cxx(std::string_view path) { return path.ends_with(".hpp") || path.ends_with(".cpp"); }

// ---- reading --------------------------------------------------------------------------------

// The end of the literal that starts at `from`; a quote between digits is a separator.
std::size_t end_of_literal(std::string const& line, std::size_t from) {
    bool const separator = line[from] == '\'' && from > 0 &&
                           std::isalnum(static_cast<unsigned char>(line[from - 1])) != 0;
    if (separator) { return from + 1; }
    for (std::size_t i = from + 1; i < line.size(); ++i) {
        if (line[i] == '\\') {
            ++i;
        } else if (line[i] == line[from]) {
            return i + 1;
        }
    }
    return line.size();
}

// `line` without comments. `in_comment` says whether a /* */ is open, before and after.
std::string without_comments(std::string const& line, bool& in_comment) {
    std::string code;
    for (std::size_t i = 0; i < line.size();) {
        if (in_comment) {
            auto const end = line.find("*/", i);
            if (end == std::string::npos) { return code; }
            in_comment = false;
            i = end + 2;
        } else if (line.compare(i, 2, "//") == 0) {
            return code;
        } else if (line.compare(i, 2, "/*") == 0) {
            in_comment = true;
            i += 2;
        } else if (line[i] == '"' || line[i] == '\'') {
            auto const end = end_of_literal(line, i);
            code.append(line, i, end - i);
            i = end;
        } else {
            code += line[i++];
        }
    }
    return code;
}

source read_source(fs::path const& root, fs::path const& file) {
    source s{file.lexically_relative(root).generic_string(), {}, {}};
    std::ifstream in{file};
    bool in_comment = false;
    for (std::string line; std::getline(in, line);) {
        s.code.push_back(without_comments(line, in_comment));
        s.lines.push_back(std::move(line));
    }
    return s;
}

bool is_skipped_folder(fs::path const& folder) {
    auto const name = folder.filename().string();
    return name == "build" || (name.starts_with('.') && name != ".ci");
}

sources read_tree(fs::path const& root) {
    if (!fs::is_directory(root)) { throw std::runtime_error{"no directory " + root.string()}; }
    sources tree;
    for (auto it = fs::recursive_directory_iterator{root}; it != fs::end(it); ++it) {
        if (it->is_directory()) {
            if (is_skipped_folder(it->path())) { it.disable_recursion_pending(); }
            continue;
        }
        auto s = read_source(root, it->path());
        auto path = s.path;
        tree.emplace(std::move(path), std::move(s));
    }
    return tree;
}

// ---- what a header includes -----------------------------------------------------------------

struct include_line {
    std::size_t line;
    bool angled;
    std::string target;
};

std::vector<include_line> includes_of(source const& s) {
    static std::regex const form{R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])"};
    std::vector<include_line> found;
    std::smatch m;
    for (std::size_t i = 0; i < s.code.size(); ++i) {
        if (std::regex_search(s.code[i], m, form)) {
            found.push_back({i + 1, m[1].str() == "<", m[2].str()});
        }
    }
    return found;
}

// "page" of "quire/page/heap_page.hpp", "" of "quire/quire.hpp".
std::string room_of(std::string_view quire_path) {
    quire_path.remove_prefix(std::string_view{"quire/"}.size());
    auto const slash = quire_path.find('/');
    return slash == std::string_view::npos ? "" : std::string{quire_path.substr(0, slash)};
}

bool is_umbrella(std::string_view path) {
    return std::any_of(umbrellas.begin(), umbrellas.end(), [&](std::string_view name) {
        return path.starts_with(header_root) && path.substr(header_root.size()) == name;
    });
}

void check_quire_include(source const& s, std::string const& room, include_line const& inc,
                         violations& out) {
    auto const other = room_of(inc.target);
    bool const umbrella = is_umbrella(s.path);
    if (other == room) { return; }
    auto const line = layers.find(room);
    if (!umbrella && line != layers.end() && !line->second.contains(other)) {
        out.push_back({s.path, inc.line, "layer: " + room + " must not include " + inc.target});
    } else if (inc.target.find("/detail/") != std::string::npos) {
        out.push_back({s.path, inc.line, "layer: detail of another room: " + inc.target});
    } else if (umbrella && starts_with_any(inc.target, not_in_umbrella)) {
        out.push_back({s.path, inc.line, "umbrella: must not include " + inc.target});
    }
}

void check_includes(source const& s, violations& out) {
    auto const below = std::string_view{s.path}.substr(header_root.size());
    auto const room = room_of(std::string_view{s.path}.substr(std::string_view{"include/"}.size()));
    if (room.empty() ? !is_umbrella(s.path) : !layers.contains(room)) {
        out.push_back({s.path, 1, "layer: not in a room of the layer table"});
    }
    for (auto const& inc : includes_of(s)) {
        auto const add = [&](std::string rule) { out.push_back({s.path, inc.line, rule}); };
        if (!inc.angled) {
            add("include: <> and the full path, not \"" + inc.target + "\"");
        } else if (inc.target.starts_with("quire/")) {
            check_quire_include(s, room, inc, out);
        } else if (inc.target.starts_with("boost/") && !starts_with_any(below, boost_rooms)) {
            add("boost: not here: <" + inc.target + ">");
        } else if ((starts_with_any(inc.target, posix_folders) ||
                    std::count(posix_headers.begin(), posix_headers.end(), inc.target) != 0) &&
                   !starts_with_any(below, posix_rooms)) {
            add("posix: not here: <" + inc.target + ">");
        } else if (inc.target == "iostream") {
            add("words: <iostream> in a header");
        }
    }
}

void check_umbrella(sources const& tree, violations& out) {
    auto const at = tree.find(std::string{header_root} + "quire.hpp");
    if (at == tree.end()) {
        out.push_back({std::string{header_root} + "quire.hpp", 1, "umbrella: does not exist"});
        return;
    }
    source const& umbrella = at->second;
    for (std::size_t i = 0; i < umbrella.code.size(); ++i) {
        auto const first = umbrella.code[i].find_first_not_of(" \t");
        if (first != std::string::npos && umbrella.code[i][first] != '#') {
            out.push_back({umbrella.path, i + 1, "umbrella: has more than includes"});
        }
    }
    std::set<std::string> included;
    for (auto const& inc : includes_of(umbrella)) { included.insert(inc.target); }
    for (auto const& [path, s] : tree) {
        if (!is_header(path) || is_umbrella(path)) { continue; }
        auto const target = path.substr(std::string_view{"include/"}.size());
        bool const apart = target.find("/detail/") != std::string::npos ||
                           starts_with_any(target, not_in_umbrella);
        if (!apart && !included.contains(target)) {
            out.push_back({umbrella.path, 1, "umbrella: does not include " + target});
        }
    }
}

// `page` of a frame and the entries of page tables have one writer.
void check_residency(source const& s, violations& out) {
    static std::regex const writes{
        R"((\bpage\.(store|exchange|compare_exchange\w*)|pages->(store|claim))\()"};
    if (!s.path.starts_with(std::string{header_root} + "pool/") || s.path == residency) { return; }
    for (std::size_t i = 0; i < s.code.size(); ++i) {
        if (std::regex_search(s.code[i], writes)) {
            out.push_back({s.path, i + 1, "residency: only " + std::string{residency} +
                                              " changes a frame's page and entries"});
        }
    }
}

// ---- one header, one line -------------------------------------------------------------------

void check_opening(source const& s, violations& out) {
    auto const pragma = std::find(s.lines.begin(), s.lines.end(), "#pragma once");
    if (pragma == s.lines.end()) {
        out.push_back({s.path, 1, "pragma: no #pragma once"});
        return;
    }
    auto const comment = std::find_if(pragma, s.lines.end(), [](std::string const& line) {
        auto const first = line.find_first_not_of(" \t");
        return first != std::string::npos && line[first] == '/';
    });
    auto const line = static_cast<std::size_t>(comment - s.lines.begin()) + 1;
    if (comment == s.lines.end() || !comment->starts_with("///")) {
        out.push_back({s.path, std::min(line, s.lines.size()),
                       "note: the first comment after #pragma once must be the note, ///"});
    } else if (line > note_line_max) {
        out.push_back({s.path, line, "note: starts after line 10"});
    }
}

void check_words(source const& s, violations& out) {
    static std::regex const notes{R"(\b(TODO|FIXME|XXX)\b)"};
    static std::regex const code{R"(\b(using\s+namespace|NDEBUG)\b)"};
    std::smatch m;
    for (std::size_t i = 0; i < s.lines.size(); ++i) {
        if (std::regex_search(s.lines[i], m, notes) || std::regex_search(s.code[i], m, code)) {
            out.push_back({s.path, i + 1, "words: " + m[1].str() + " in a header"});
        }
    }
}

void check_header(source const& s, violations& out) {
    check_includes(s, out);
    check_residency(s, out);
    check_opening(s, out);
    check_words(s, out);
    if (s.lines.size() > header_lines_max) {
        out.push_back({s.path, header_lines_max + 1, "length: more than 400 lines"});
    }
}

void check_columns(source const& s, violations& out) {
    for (std::size_t i = 0; i < s.lines.size(); ++i) {
        auto const& line = s.lines[i];
        auto const columns = std::count_if(line.begin(), line.end(), [](char c) {
            return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;  // not a UTF-8 continuation
        });
        if (static_cast<std::size_t>(columns) > columns_max) {
            out.push_back({s.path, i + 1, "columns: " + std::to_string(columns) + " of 100"});
        }
    }
}

// ---- licence, list --------------------------------------------------------------------------

void check_spdx(source const& s, violations& out) {
    fs::path const path{s.path};
    bool const script = !s.lines.empty() && s.lines[0].starts_with("#!");
    bool const hashed = script || path.filename() == "CMakeLists.txt" ||
                        path.extension() == ".cmake" || path.extension() == ".sh" ||
                        path.extension() == ".py" || s.path.starts_with(".");
    if (!hashed && !is_cxx(s.path)) { return; }
    std::string const wanted =
        std::string{hashed ? "#" : "//"} + " SPDX-License-Identifier: BSL-1.0";
    std::size_t const at = script ? 1 : 0;
    if (s.lines.size() <= at || s.lines[at] != wanted) {
        out.push_back({s.path, at + 1, "spdx: must be: " + wanted});
    }
}

void check_list(sources const& tree, violations& out) {
    std::string const list_path{header_list};
    std::set<std::string> listed;
    if (auto const at = tree.find(list_path); at != tree.end()) {
        static std::regex const entry{R"(^\s*(include/\S+?)\)?\s*$)"};
        std::smatch m;
        for (std::size_t i = 0; i < at->second.lines.size(); ++i) {
            if (!std::regex_search(at->second.lines[i], m, entry)) { continue; }
            if (!tree.contains(m[1].str())) {
                out.push_back({list_path, i + 1, "listed: does not exist: " + m[1].str()});
            } else if (!listed.insert(m[1].str()).second) {
                out.push_back({list_path, i + 1, "listed: twice: " + m[1].str()});
            }
        }
    }
    for (auto const& [path, s] : tree) {
        if (path.starts_with("include/") && !listed.contains(path)) {
            out.push_back({path, 1, "listed: not in " + list_path});
        }
    }
}

// ---- README and docs ------------------------------------------------------------------------

using text_lines = std::vector<std::string>;

void remove_common_indentation(text_lines& text) {
    std::size_t common = std::string::npos;
    for (auto const& line : text) { common = std::min(common, line.find_first_not_of(' ')); }
    for (auto& line : text) { line.erase(0, std::min(common, line.size())); }
}

// The lines between the two markers `//! [name]`, without markers of other regions.
std::optional<text_lines> region_of(source const& s, std::string const& name) {
    static std::regex const marker{R"(^\s*//! \[(.+)\]\s*$)"};
    text_lines text;
    bool inside = false;
    std::smatch m;
    for (auto const& line : s.lines) {
        if (!std::regex_match(line, m, marker)) {
            if (inside) { text.push_back(line); }
        } else if (m[1].str() == name) {
            if (inside) {
                remove_common_indentation(text);
                return text;
            }
            inside = true;
        }
    }
    return std::nullopt;
}

// What is wrong with a C++ block of a document, if anything.
std::optional<std::string> fault_of_block(sources const& tree, std::string const& origin,
                                          text_lines const& block) {
    static std::regex const form{R"(^<!-- from (\S+) \[(.+)\] -->$)"};
    std::smatch m;
    if (!std::regex_match(origin, m, form)) {
        return "readme: a C++ block needs a line <!-- from examples/FILE.cpp [NAME] --> above it";
    }
    auto const at = tree.find(m[1].str());
    if (at == tree.end()) { return "readme: no file " + m[1].str(); }
    auto const region = region_of(at->second, m[2].str());
    if (!region) { return "readme: no region [" + m[2].str() + "] in " + m[1].str(); }
    if (*region != block) {
        return "readme: differs from region [" + m[2].str() + "] of " + m[1].str();
    }
    return std::nullopt;
}

// Documents whose C++ is a part of a program that is tested.
bool is_for_users(std::string_view path) {
    return path == "README.md" || (path.starts_with("docs/") && path.ends_with(".md"));
}

void check_document(source const& document, sources const& tree, violations& out) {
    static std::regex const fence{R"(^\s*```\s*(\S*)\s*$)"};
    auto const& lines = document.lines;
    std::string above;  // the last line that is not empty
    std::smatch m;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (!std::regex_match(lines[i], m, fence)) {
            if (!lines[i].empty()) { above = lines[i]; }
            continue;
        }
        auto const opening = i + 1;
        auto const language = m[1].str();
        text_lines block;
        for (++i; i < lines.size() && !std::regex_match(lines[i], fence); ++i) {
            block.push_back(lines[i]);
        }
        if (language == "cpp" || language == "c++" || language == "cc" || language == "C++") {
            auto fault = fault_of_block(tree, above, block);
            if (fault) { out.push_back({document.path, opening, std::move(*fault)}); }
        }
        above.clear();
    }
}

}  // namespace

std::string to_string(violation const& v) {
    return v.path + ":" + std::to_string(v.line) + ": " + v.rule;
}

std::vector<violation> check_tree(fs::path const& root) {
    auto const tree = read_tree(root);
    violations out;
    for (auto const& [path, s] : tree) {
        check_spdx(s, out);
        if (is_cxx(path)) { check_columns(s, out); }
        if (is_header(path)) { check_header(s, out); }
        if (is_for_users(path)) { check_document(s, tree, out); }
    }
    check_umbrella(tree, out);
    check_list(tree, out);
    std::sort(out.begin(), out.end(), [](violation const& a, violation const& b) {
        return std::tie(a.path, a.line, a.rule) < std::tie(b.path, b.line, b.rule);
    });
    return out;
}

}  // namespace house
