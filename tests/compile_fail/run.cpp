// SPDX-License-Identifier: BSL-1.0

/// run: compiles the corpus with every compiler that is here, and says what each one caught.
///
///     compile_fail SOURCE_DIR WORK_DIR INCLUDE_DIR [--table FILE] [NAME...]
///
/// A file of misuse/ is compiled twice by each compiler: as it is (the control: not a word), and
/// with MISUSE defined. Lines at its top say what that must give:
///
///     // group: <group>          // rust: rejects | accepts
///     // g++: <regex> | -        // clang-19: <regex> | -        // clang-22: <regex> | -
///     // net: <what catches it at run time> | -
///
/// The regex must match an error or warning; `-` means that nothing may be reported. So a misuse
/// that fails for another reason does not count, and one that is newly caught is noticed. A file of
/// legal/ must be silent everywhere; `// clang-22: <regex>` admits a false positive.
/// The table (Markdown) is what docs/ has.

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct compiler {
    std::string name;     // as in the files
    std::string command;  // as in the shell
    std::string flags;
    bool is_clang;
};

std::vector<compiler> const all_compilers{
    {"g++", "g++", "", false},
    {"clang-19", "clang++-19", "-Wdangling -Wdangling-gsl -Wreturn-stack-address -Wconsumed", true},
    {"clang-22", "clang++-22",
     "-Wdangling -Wdangling-gsl -Wdangling-capture -Wreturn-stack-address -Wconsumed "
     "-Wthread-safety -Xclang -fexperimental-lifetime-safety -Wexperimental-lifetime-safety",
     true},
};

struct item {
    fs::path path;
    bool legal = false;
    std::map<std::string, std::string> says;  // "group", "rust", "net", a compiler's name
    std::map<std::string, bool> caught;       // by compiler

    [[nodiscard]] std::string get(std::string const& key) const {
        auto const at = says.find(key);
        return at == says.end() ? "-" : at->second;
    }
};

std::string quoted(std::string const& text) { return "'" + text + "'"; }

struct result {
    int status;
    std::string output;
};

result shell(std::string const& command) {
    std::FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
    if (pipe == nullptr) { return {-1, "popen fails"}; }
    std::string output;
    char part[4096];
    for (std::size_t n = 0; (n = std::fread(part, 1, sizeof part, pipe)) > 0;) {
        output.append(part, n);
    }
    return {::pclose(pipe), output};
}

item read_item(fs::path const& path, bool legal) {
    item one{path, legal, {}, {}};
    std::ifstream input{path};
    static std::regex const says{"// ([a-z0-9+-]+): (.*)"};
    std::smatch match;
    for (std::string line; std::getline(input, line) && line.starts_with("//");) {
        if (std::regex_match(line, match, says)) { one.says[match[1]] = match[2]; }
    }
    return one;
}

std::vector<item> read_corpus(fs::path const& root, std::vector<std::string> const& wanted) {
    std::vector<item> items;
    for (bool const legal : {false, true}) {
        for (auto const& entry : fs::directory_iterator{root / (legal ? "legal" : "misuse")}) {
            auto const name = entry.path().stem().string();
            if (entry.path().extension() == ".cpp" &&
                (wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end())) {
                items.push_back(read_item(entry.path(), legal));
            }
        }
    }
    std::sort(items.begin(), items.end(), [](item const& a, item const& b) {
        return std::tuple{a.legal, a.get("group"), a.path} <
               std::tuple{b.legal, b.get("group"), b.path};
    });
    return items;
}

/// The first diagnostic that matches, or the first at all when `wanted` is empty.
std::string diagnostic(std::string const& output, std::string const& wanted) {
    std::istringstream lines{output};
    std::regex const pattern{wanted};
    for (std::string line; std::getline(lines, line);) {
        bool const counts = line.find("error:") != std::string::npos ||
                            line.find("warning:") != std::string::npos;
        if (counts && (wanted.empty() || std::regex_search(line, pattern))) { return line; }
    }
    return {};
}

class runner {
public:
    runner(fs::path work, std::string include, fs::path corpus)
        : work_{std::move(work)}, include_{std::move(include)}, corpus_{std::move(corpus)} {}

    bool precompile(compiler const& c) {
        fs::create_directories(work_ / c.name);
        auto const made = shell(base(c) + " -x c++-header " + quoted(corpus_ / "corpus.hpp") +
                                " -o " + quoted(header(c) + (c.is_clang ? ".pch" : ".gch")));
        if (made.status != 0) { std::cout << made.output; }
        return made.status == 0;
    }

    /// Whether all that must be silent is silent, in one translation unit: the quick way.
    bool all_silent(compiler const& c, std::vector<item> const& items) {
        auto const together = work_ / c.name / "controls.cpp";
        std::ofstream out{together};
        for (auto const& one : items) {
            if (must_be_silent(c, one)) {
                out << "namespace control_" << one.path.stem().string() << " {\n#include \""
                    << fs::absolute(one.path).string() << "\"\n}\n";
            }
        }
        out.close();
        auto const all = compile(c, together, false);
        return all.status == 0 && all.output.empty();
    }

    /// An empty string when all is as the file says.
    std::string judge(compiler const& c, item& one, bool known_silent) {
        if (one.legal && !must_be_silent(c, one)) {
            auto const plain = compile(c, one.path, false);
            one.caught[c.name] = !diagnostic(plain.output, one.get(c.name)).empty();
            return one.caught[c.name] ? "" : "is silent now, which is better: say so";
        }
        if (!known_silent) {
            auto const plain = compile(c, one.path, false);
            if (plain.status != 0 || !plain.output.empty()) {
                return (one.legal ? "legal use is reported:\n" : "control is reported:\n") +
                       plain.output;
            }
        }
        if (one.legal) { return {}; }
        auto const bad = compile(c, one.path, true);
        auto const wanted = one.get(c.name);
        auto const found = diagnostic(bad.output, wanted == "-" ? "" : wanted);
        one.caught[c.name] = wanted != "-" && !found.empty();
        if (wanted == "-") {
            return found.empty() ? "" : "is caught, against expectation:\n" + bad.output;
        }
        return found.empty() ? "is not caught by /" + wanted + "/:\n" + bad.output : "";
    }

private:
    [[nodiscard]] static bool must_be_silent(compiler const& c, item const& one) {
        return !one.legal || one.get(c.name) == "-";
    }
    [[nodiscard]] std::string base(compiler const& c) const {
        return c.command + " -std=c++20 " + c.flags + " -I" + quoted(include_);
    }
    [[nodiscard]] std::string header(compiler const& c) const {
        return (work_ / c.name / "corpus.hpp").string();
    }
    [[nodiscard]] result compile(compiler const& c, fs::path const& source, bool misuse) const {
        auto const with = c.is_clang ? "-include-pch " + quoted(header(c) + ".pch")
                                     : "-include " + quoted(header(c));
        return shell(base(c) + " -fsyntax-only " + with + (misuse ? " -DMISUSE " : " ") +
                     quoted(source));
    }

    fs::path work_;
    std::string include_;
    fs::path corpus_;
};

void write_table(std::ostream& out, std::vector<item> const& items,
                 std::vector<compiler> const& compilers) {
    out << "# What is caught, and by what\n\n"
           "Made by `compile_fail --table` from tests/compile_fail; do not edit.\n"
           "g++ without flags; clang 19 with `-Wconsumed`; clang 22 with `-Wthread-safety` and "
           "`-Wexperimental-lifetime-safety` too.\n\n"
           "At run time: *poison*, the frame is poisoned under the address sanitizer once its "
           "guard has ended\n(tests/pool/poisoning.test.cpp); *contract*, the program stops with "
           "the broken rule in every build;\n*checked*, with QUIRE_CHECKED. This names the net; "
           "not every line has a test of its own.\n\n"
           "| group | misuse | Rust |";
    for (auto const& c : compilers) { out << ' ' << c.name << " |"; }
    out << " at run time |\n|---|---|---|";
    for (std::size_t i = 0; i < compilers.size(); ++i) { out << "---|"; }
    out << "---|\n";
    for (auto const& one : items) {
        if (one.legal) { continue; }
        out << "| " << one.get("group") << " | " << one.path.stem().string() << " | "
            << one.get("rust") << " |";
        for (auto const& c : compilers) { out << (one.caught.at(c.name) ? " yes |" : " - |"); }
        out << ' ' << one.get("net") << " |\n";
    }
}

void summarise(std::vector<item> const& items, std::vector<compiler> const& compilers) {
    for (auto const& c : compilers) {
        std::size_t rejected = 0;
        std::size_t caught = 0;
        std::size_t legal = 0;
        std::size_t flagged = 0;
        for (auto const& one : items) {
            auto const at = one.caught.find(c.name);
            bool const hit = at != one.caught.end() && at->second;
            if (one.legal) {
                ++legal;
                flagged += hit ? 1 : 0;
            } else if (one.get("rust") == "rejects") {
                ++rejected;
                caught += hit ? 1 : 0;
            }
        }
        std::cout << c.name << ": " << caught << " of " << rejected
                  << " misuses that Rust rejects, " << flagged << " of " << legal
                  << " legal uses flagged\n";
    }
}

}  // namespace

int main(int argc, char** argv) {
    ::setenv("LC_ALL", "C", 1);  // messages with plain quotes
    std::vector<std::string> arguments(argv + 1, argv + argc);
    std::string table;
    if (auto const at = std::find(arguments.begin(), arguments.end(), "--table");
        at != arguments.end() && at + 1 != arguments.end()) {
        table = *(at + 1);
        arguments.erase(at, at + 2);
    }
    if (arguments.size() < 3) {
        std::cerr << "usage: compile_fail SOURCE_DIR WORK_DIR INCLUDE_DIR [--table FILE] [NAME]\n";
        return 2;
    }
    auto items = read_corpus(arguments[0], {arguments.begin() + 3, arguments.end()});
    runner run{arguments[1], arguments[2], arguments[0]};

    std::vector<compiler> compilers;
    for (auto const& c : all_compilers) {
        if (shell("command -v " + c.command).status != 0) {
            std::cout << c.name << " is not here\n";
        } else if (!run.precompile(c)) {
            return 1;
        } else {
            compilers.push_back(c);
        }
    }

    std::mutex printing;
    std::atomic<std::size_t> next{0};
    std::atomic<int> wrong{0};
    std::map<std::string, bool> silent;
    for (auto const& c : compilers) {
        silent[c.name] = run.all_silent(c, items);
        for (auto& one : items) { one.caught[c.name] = false; }
    }
    auto const work = [&] {
        for (std::size_t i = next++; i < items.size(); i = next++) {
            for (auto const& c : compilers) {
                auto const complaint = run.judge(c, items[i], silent.at(c.name));
                if (!complaint.empty()) {
                    ++wrong;
                    std::lock_guard const hold{printing};
                    std::cout << items[i].path.stem().string() << ", " << c.name << ": "
                              << complaint << '\n';
                }
            }
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 1; i < std::max(2U, std::thread::hardware_concurrency()); ++i) {
        threads.emplace_back(work);
    }
    work();
    for (auto& thread : threads) { thread.join(); }

    summarise(items, compilers);
    if (!table.empty()) {
        std::ofstream out{table};
        write_table(out, items, compilers);
    }
    std::cout << items.size() << " files, " << wrong << " surprises\n";
    return wrong == 0 ? 0 : 1;
}
