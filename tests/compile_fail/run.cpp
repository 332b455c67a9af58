// SPDX-License-Identifier: BSL-1.0

/// run: compiles the corpus with every installed compiler, and reports what each one caught.
///
///     compile_fail CORPUS_DIR WORK_DIR INCLUDE_DIR [--table FILE] [--expect-table FILE]
///                  [--readme FILE] [NAME...]
///
/// A file of misuse/ is compiled twice by each compiler: as it is (the control: no diagnostic), and
/// with MISUSE defined. Lines at its top say what that must give:
///
///     // group: <group>          // rust: rejects | accepts
///     // g++: <regex> | -        // clang-19: <regex> | -        // clang-22: <regex> | -
///     // form: elided            // chosen: <why>
///
/// The regex must match an error or warning; `-` means that nothing may be reported. So a misuse
/// that fails for another reason does not count, and one that is newly caught is reported. A file
/// that some compiler accepts also says what catches it at run time, or why nothing does
/// (nets.cpp). A file of legal/ must give no diagnostic; `// clang-22: <regex>` allows a false
/// positive. To save time, files are first compiled together, each in a namespace of its own, and
/// diagnostics are assigned by the file they name; files that are not decided this way are compiled
/// alone.
///
/// The table (Markdown) is the one in docs/; second_author.md, written by hand, is a part of it.
/// It says each share also without the misuses of two kinds: `form: elided`, a borrow that copy
/// elision makes in another place, and `chosen`, added because compilers let it pass.
/// --expect-table checks that the table is equal. With --readme, a document's quote after
/// `<!-- NAME, COMPILER -->` must be that compiler's output, line by line (the option may be given
/// several times); with --expect-table too, the first of them must have the numbers of the table.

#include "compile_fail/report.hpp"

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
#include <utility>
#include <vector>

namespace fs = std::filesystem;

namespace {

using corpus::compiler;
using corpus::summarise;
using corpus::write_table;
using item = corpus::judged_item;

std::vector<compiler> const all_compilers{
    {"g++", "g++", "", false, 65},
    {"clang-19", "clang++-19", "-Wdangling -Wdangling-gsl -Wreturn-stack-address -Wconsumed", true,
     72},
    {"clang-22", "clang++-22",
     "-Wdangling -Wdangling-gsl -Wdangling-capture -Wreturn-stack-address -Wconsumed "
     "-Wthread-safety -Xclang -fexperimental-lifetime-safety "
     "-Xclang -fexperimental-lifetime-safety-inference -Wexperimental-lifetime-safety",
     true, 90},
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

std::vector<item> read_corpus(fs::path const& root, std::vector<std::string> const& wanted) {
    std::vector<item> items;
    for (bool const legal : {false, true}) {
        for (auto const& entry : fs::directory_iterator{root / (legal ? "legal" : "misuse")}) {
            auto const name = entry.path().stem().string();
            if (entry.path().extension() == ".cpp" &&
                (wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end())) {
                items.push_back({corpus::read_item(entry.path()), legal, {}});
            }
        }
    }
    std::sort(items.begin(), items.end(), [](item const& a, item const& b) {
        return std::tuple{a.legal, a.get("group"), a.path} <
               std::tuple{b.legal, b.get("group"), b.path};
    });
    return items;
}

[[nodiscard]] bool is_diagnostic(std::string const& line) {
    return line.find("error:") != std::string::npos || line.find("warning:") != std::string::npos;
}

/// The first diagnostic that matches, or the first at all when `wanted` is empty.
std::string diagnostic(std::string const& output, std::string const& wanted) {
    std::istringstream lines{output};
    std::regex const pattern{wanted};
    for (std::string line; std::getline(lines, line);) {
        if (is_diagnostic(line) && (wanted.empty() || std::regex_search(line, pattern))) {
            return line;
        }
    }
    return {};
}

/// The diagnostics of files compiled together, by the name of the file that caused them: the one
/// in their own line, or, for those in a header, in the nearest line of context: g++ prints that
/// before them, clang behind.
std::map<std::string, std::string> by_file(std::string const& output, bool is_clang) {
    static std::regex const named{"misuse/([a-z0-9_]+)\\.cpp:[0-9]+"};
    std::map<std::string, std::string> found;
    std::istringstream lines{output};
    std::string context;
    std::string waiting;
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        bool const names_file = std::regex_search(line, match, named);
        auto const name = names_file ? match[1].str() : std::string{};
        if (is_diagnostic(line)) {
            waiting.clear();
            if (names_file && match.position() < static_cast<std::ptrdiff_t>(line.find(": "))) {
                found[name] += line + '\n';
            } else if (is_clang) {
                waiting = line;
            } else {
                found[std::exchange(context, {})] += line + '\n';
            }
        } else if (names_file && !waiting.empty()) {
            found[name] += waiting + '\n';
            waiting.clear();
        } else if (names_file) {
            context = name;
        }
    }
    return found;
}

/// Examines the corpus with one compiler.
class runner {
public:
    using items_type = std::vector<item*>;

    runner(compiler const& c, fs::path const& work, std::string include, fs::path corpus)
        : compiler_{c}, work_{work / c.name}, include_{std::move(include)},
          corpus_{std::move(corpus)} {}

    [[nodiscard]] bool precompile() const {
        fs::create_directories(work_);
        auto const made =
            shell(base() + " -x c++-header " + quoted(corpus_ / "corpus.hpp") + " -o " +
                  quoted(header() + (compiler_.is_clang ? ".pch" : ".gch")));
        if (made.status != 0) { std::cout << made.output; }
        return made.status == 0;
    }

    /// Where the result differs from the files' first lines, one paragraph each.
    std::vector<std::string> examine(std::vector<item>& items) {
        items_type silent;
        items_type accepted;
        items_type rejected;
        for (auto& one : items) {
            one.caught[compiler_.name] = false;
            if (!one.legal || expected(one) == "-") { silent.push_back(&one); }
            if (!one.legal) { (expected(one) == "-" ? accepted : rejected).push_back(&one); }
            if (one.legal && expected(one) != "-") { judge_false_positive(one); }
        }
        if (!is_silent(together(silent, false))) {
            for (auto* one : silent) { judge_silent(*one); }
        }
        if (!is_silent(together(accepted, true))) {
            for (auto* one : accepted) { judge_alone(*one); }
        }
        for (std::size_t before = 0; before != rejected.size();) {
            before = rejected.size();
            settle(rejected);
        }
        for (auto* one : rejected) { judge_alone(*one); }
        return surprises_;
    }

    [[nodiscard]] std::string output_of(item const& one) const {
        return compile(one.path, true).output;
    }

private:
    /// A compiler that ends with an error and without a diagnostic has not accepted anything.
    [[nodiscard]] static bool is_silent(result const& r) {
        return r.status == 0 && r.output.empty();
    }
    [[nodiscard]] std::string expected(item const& one) const { return one.get(compiler_.name); }
    void complain(item const& one, std::string const& what) {
        surprises_.push_back(one.name() + ", " + compiler_.name + ": " + what);
    }

    void judge_false_positive(item& one) {
        bool const flagged = !diagnostic(compile(one.path, false).output, expected(one)).empty();
        one.caught[compiler_.name] = flagged;
        if (!flagged) { complain(one, "gives no diagnostic now: remove its regex"); }
    }
    void judge_silent(item const& one) {
        auto const plain = compile(one.path, false);
        if (is_silent(plain)) { return; }
        complain(one, (one.legal ? "legal use is reported:\n" : "control is reported:\n") +
                          plain.output);
    }
    void judge_alone(item& one) {
        auto const wanted = expected(one);
        auto const [status, output] = compile(one.path, true);
        auto const found = diagnostic(output, wanted == "-" ? "" : wanted);
        one.caught[compiler_.name] = wanted != "-" && !found.empty();
        if (wanted == "-" && (!found.empty() || status != 0)) {
            complain(one, "is caught, against expectation:\n" + output);
        } else if (wanted != "-" && found.empty()) {
            complain(one, "is not caught by /" + wanted + "/:\n" + output);
        }
    }

    /// Removes the files that are caught as expected. A second run is worth it: after an error
    /// clang suppresses the warnings of its analyses.
    void settle(items_type& open) {
        auto const found = by_file(together(open, true).output, compiler_.is_clang);
        std::erase_if(open, [&](item* one) {
            auto const at = found.find(one->name());
            bool const caught =
                at != found.end() && !diagnostic(at->second, expected(*one)).empty();
            one->caught[compiler_.name] = caught;
            return caught;
        });
    }

    /// All files in one translation unit.
    [[nodiscard]] result together(items_type const& items, bool misuse) const {
        auto const source = work_ / (misuse ? "misuses.cpp" : "controls.cpp");
        std::ofstream out{source};
        for (auto const* one : items) {
            out << "namespace in_" << one->name() << " {\n#include \""
                << fs::absolute(one->path).string() << "\"\n}\n";
        }
        out.close();
        return compile(source, misuse);
    }

    [[nodiscard]] std::string base() const {
        return compiler_.command + " -std=c++20 " + compiler_.flags + " -I" + quoted(include_);
    }
    [[nodiscard]] std::string header() const { return (work_ / "corpus.hpp").string(); }
    [[nodiscard]] result compile(fs::path const& source, bool misuse) const {
        auto const with = compiler_.is_clang
                              ? "-ferror-limit=0 -include-pch " + quoted(header() + ".pch")
                              : "-include " + quoted(header());
        return shell(base() + " -fsyntax-only " + with + (misuse ? " -DMISUSE " : " ") +
                     quoted(source));
    }

    compiler compiler_;
    fs::path work_;
    std::string include_;
    fs::path corpus_;
    std::vector<std::string> surprises_;
};

/// Lines that the document quotes and the compiler does not print.
std::vector<std::string> misquotes(fs::path const& document, std::vector<item> const& items,
                                   std::map<std::string, runner> const& runners) {
    static std::regex const heading{"<!-- ([a-z0-9_]+), ([a-z0-9+-]+) -->"};
    std::vector<std::string> wrong;
    std::ifstream input{document};
    std::string said;
    int fences = 2;
    for (std::string line; std::getline(input, line);) {
        std::smatch match;
        if (std::regex_match(line, match, heading)) {
            auto const one = std::find_if(items.begin(), items.end(), [&](item const& i) {
                return i.name() == match[1].str();
            });
            auto const by = runners.find(match[2]);
            if (by == runners.end()) { continue; }
            said = one == items.end() ? "" : by->second.output_of(*one);
            fences = 0;
        } else if (line.starts_with("```")) {
            ++fences;
        } else if (fences == 1 && said.find(line) == std::string::npos) {
            wrong.push_back(line);
        }
    }
    return wrong;
}

std::string contents(fs::path const& path) {
    std::ostringstream all;
    all << std::ifstream{path}.rdbuf();
    return all.str();
}

/// Removes `option VALUE` from the arguments.
std::string taken(std::vector<std::string>& arguments, std::string const& option) {
    auto const at = std::find(arguments.begin(), arguments.end(), option);
    if (at == arguments.end() || at + 1 == arguments.end()) { return {}; }
    auto const value = *(at + 1);
    arguments.erase(at, at + 2);
    return value;
}

}  // namespace

int main(int argc, char** argv) {
    ::setenv("LC_ALL", "C", 1);  // messages with plain quotes
    std::vector<std::string> arguments(argv + 1, argv + argc);
    auto const table = taken(arguments, "--table");
    auto const expected_table = taken(arguments, "--expect-table");
    std::vector<std::string> documents;
    for (std::string one; !(one = taken(arguments, "--readme")).empty();) {
        documents.push_back(one);
    }
    if (arguments.size() < 3) {
        std::cerr << "usage: compile_fail CORPUS_DIR WORK_DIR INCLUDE_DIR [--table FILE] "
                     "[--expect-table FILE] [--readme FILE]... [NAME...]\n";
        return 2;
    }
    auto items = read_corpus(arguments[0], {arguments.begin() + 3, arguments.end()});

    std::vector<compiler> compilers;
    std::map<std::string, runner> runners;
    for (auto const& c : all_compilers) {
        if (shell("command -v " + c.command).status != 0) {
            std::cout << c.name << " is not installed\n";
            continue;
        }
        compilers.push_back(c);
        runners.try_emplace(c.name, c, arguments[1], arguments[2], arguments[0]);
        for (auto& one : items) { one.caught[c.name] = false; }  // so that threads add no keys
    }

    std::mutex printing;
    std::atomic<std::size_t> wrong{0};
    auto const examine = [&](runner& run) {
        auto const surprises =
            run.precompile() ? run.examine(items) : std::vector<std::string>{"no header"};
        std::lock_guard const hold{printing};
        wrong += surprises.size();
        for (auto const& surprise : surprises) { std::cout << surprise << '\n'; }
    };
    std::vector<std::thread> threads;
    for (auto& [name, run] : runners) { threads.emplace_back(examine, std::ref(run)); }
    for (auto& thread : threads) { thread.join(); }

    for (auto const& document : documents) {
        for (auto const& line : misquotes(document, items, runners)) {
            ++wrong;
            std::cout << document << ": not printed by the compiler: " << line << '\n';
        }
    }
    summarise(std::cout, items, compilers);
    std::ostringstream made;
    write_table(made, items, compilers, contents(fs::path{arguments[0]} / "second_author.md"));
    if (!table.empty()) { std::ofstream{table} << made.str(); }
    if (!expected_table.empty() && compilers.size() == all_compilers.size() &&
        contents(expected_table) != made.str()) {
        ++wrong;
        std::cout << expected_table << " is out of date: write it again with --table\n";
    }
    if (!expected_table.empty() && !documents.empty() &&
        compilers.size() == all_compilers.size()) {
        auto const said = contents(documents.front());
        for (auto const& phrase : corpus::readme_phrases(items, compilers)) {
            if (said.find(phrase) == std::string::npos) {
                ++wrong;
                std::cout << "the README does not say: " << phrase << '\n';
            }
        }
    }
    std::cout << items.size() << " files, " << wrong << " surprises\n";
    return wrong == 0 ? 0 : 1;
}
