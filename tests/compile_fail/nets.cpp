// SPDX-License-Identifier: BSL-1.0

/// nets: runs one misuse of the corpus that compiles, and checks that it is caught.
///
///     nets CORPUS_DIR NAME
///
/// A file of misuse/ that some compiler lets pass says which net catches it when it runs:
///
///     // contract: <regex>   in every build, the rule that the program stops with
///     // error: <regex>      in every build, the error that is thrown
///     // checked: <regex>    with QUIRE_CHECKED, the rule that the program stops with
///     // poison: <regex>     the report of the address sanitizer
///     // uncaught: <why>     none
///
/// Exit status: 0 when it was caught in these words and its control ran to its end, 77 when the net
/// is not in this build, else 1. Each file is compiled here twice, as misuse and as control, and
/// both are run in child processes.

#include "compile_fail/corpus.hpp"

#include "compile_fail/item.hpp"
#include "death.hpp"
#include "temp_dir.hpp"

#include <iostream>
#include <regex>

#include <sys/resource.h>

namespace {

struct programs {
    void (*misuse)(file_type);
    void (*control)(file_type);
};

}  // namespace

#include "misuses.hpp"  // generated: `misuses`, a map from name to programs

namespace {

constexpr int not_here = 77;

constexpr char const* name_of_somebody = "somebody with a name of forty characters";

logged const* the_logged = nullptr;
logged const* the_empty = nullptr;

/// Two pages of three rows.
void fill(file_type& file) {
    for (int i = 0; i < 2; ++i) {
        auto page = file.append<heap_page>();
        for (std::int64_t id = 0; id < 3; ++id) {
            page->insert(user{id, name_of_somebody, 1.5}).value();
        }
    }
}
void fill(pool_type& pool, file_type& file) {
    pool.change([&](quire::change<>& change) {
        for (int i = 0; i < 2; ++i) {
            auto page = change.append<heap_page>(file);
            for (std::int64_t id = 0; id < 3; ++id) {
                page->insert(user{id, name_of_somebody, 1.5}).value();
            }
        }
    });
}

/// Such pages in both files; then `what`.
void run(void (*what)(file_type), std::filesystem::path const& dir) {
    ::rlimit const none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    pool_type pool{{.frames = 16, .wait_max = std::chrono::seconds{5}}};
    auto file = pool.open((dir / "pages").string(), quire::open_mode::open_or_create);
    fill(file);
    quire::redo_log<> log{(dir / "log").string()};
    pool_type with{{.frames = 16, .wait_max = std::chrono::seconds{5}}, log};
    logged const both{with, with.open((dir / "logged").string(),
                                      quire::open_mode::open_or_create, {.logged = true})};
    auto logged_file = both.file;
    fill(with, logged_file);
    logged const empty{with, with.open((dir / "empty").string(),
                                       quire::open_mode::open_or_create, {.logged = true})};
    the_logged = &both;
    the_empty = &empty;
    what(file);
    the_logged = nullptr;
    the_empty = nullptr;
}

/// The words by which this build catches it; empty when it does not.
std::string expected_of(corpus::item const& one) {
    for (auto const& [net, here] :
         {std::pair{"contract", true}, std::pair{"checked", quire::checked_build},
          std::pair{"poison", quire::poisoning}, std::pair{"error", true}}) {
        if (here && one.has(net)) { return one.get(net); }
    }
    return {};
}

int verdict(corpus::item const& one, programs const& both) {
    auto const expected = expected_of(one);
    if (expected.empty()) {
        std::cout << "the net of " << one.name() << " is not in this build\n";
        return not_here;
    }
    {
        temp_dir const dir;
        auto const end = in_child([&] { run(both.control, dir.path()); });
        if (!end.exited_well()) {
            std::cout << "the control " << end.how() << ", saying\n" << end.text << '\n';
            return 1;
        }
    }
    temp_dir const dir;
    auto const end = in_child([&] { run(both.misuse, dir.path()); });
    if (end.exited_well() || !std::regex_search(end.text, std::regex{expected})) {
        std::cout << "not caught by /" << expected << "/: it " << end.how() << ", saying\n"
                  << end.text << '\n';
        return 1;
    }
    return 0;
}

}  // namespace

logged with_log() { return *the_logged; }
logged with_nothing() { return *the_empty; }

int main(int argc, char** argv) {
    if (argc != 3 || !misuses.contains(argv[2])) {
        std::cerr << "usage: nets CORPUS_DIR NAME\n";
        return 2;
    }
    std::string const name = argv[2];
    return verdict(corpus::read_item(std::filesystem::path{argv[1]} / "misuse" / (name + ".cpp")),
                   misuses.at(name));
}
