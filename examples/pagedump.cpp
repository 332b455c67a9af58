// SPDX-License-Identifier: BSL-1.0

/// pagedump [--page-size N] [--schema TEXT] FILE [--map | [PAGE | --check] [--json]]
/// pagedump --log LOGFILE [--json]
///
/// A file of quire's, shown to a person. Without more: which kinds of pages it has, and the roots
/// of its catalog. PAGE: one page: header, slots, rows and keys with the names and types that the
/// catalog has for them, or by `--schema id:i64,name:string?`. --map: the whole file, one character
/// a page. --check: what contradicts itself, page by page, and if the file has a catalog in its
/// trees, heap files, indexes and allocation pages (status 1 when something does; pages of 4 or
/// 16 KiB). --log: the records of a log. The page size is that of the file's catalog, or 4096;
/// N is 512 to 32768.
///
/// The file is read and not changed. Nothing is locked, so what is shown of a file that is being
/// written is a page here and there. Damaged pages are shown, too. Not seen: what the file's log
/// alone has; in rows, what the text of a schema does not tell (pagedump/check.hpp).
///
/// pagedump/item.hpp prints; schema.hpp and values.hpp decode rows; page.hpp, log.hpp and check.hpp
/// are what is shown.

#include "pagedump/check.hpp"
#include "pagedump/log.hpp"
#include "pagedump/page.hpp"

#include <fstream>
#include <iomanip>
#include <iostream>
#include <set>

namespace pagedump {

struct request {
    std::string path{};
    std::string what{};  // a page's number, --map, --check, or nothing
    std::optional<row_schema> schema{};
    std::size_t page_size = 0;
    bool is_log = false;
    bool as_json = false;
};

void print(item const& all, request const& wanted) {
    if (!wanted.as_json) { return all.print(std::cout); }
    all.print_json(std::cout);
    std::cout << '\n';
}
std::uint64_t number_in(std::string const& text) {
    std::uint64_t number = 0;
    auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed == std::errc{} && end == text.data() + text.size()) { return number; }
    throw std::runtime_error{"not a number: " + text};
}

template <std::size_t Size>
class file_dump {
public:
    file_dump(std::ifstream& file, std::uint64_t bytes, request const& wanted)
        : file_{file}, pages_{bytes / Size}, rest_{bytes % Size}, wanted_{wanted} {}

    int run() {
        if (wanted_.what == "--map") { return map(); }
        if (wanted_.what == "--check") { return check(); }
        return wanted_.what.empty() ? summary() : one_page(number_in(wanted_.what));
    }

private:
    [[nodiscard]] page<Size> at(std::uint64_t no) {
        file_.clear();
        file_.seekg(static_cast<std::streamoff>(no * Size));
        if (!file_.read(reinterpret_cast<char*>(room_.data()), Size)) {
            throw std::runtime_error{"page " + std::to_string(no) + " cannot be read"};
        }
        return page<Size>{std::span<std::byte const>{room_}.template first<Size>(), no};
    }
    [[nodiscard]] bool has_catalog() { return pages_ > 0 && at(0).is_catalog(); }

    /// `fn` of page 0 and of its chain of names, as far as it is whole; `fn` returns the next one.
    /// Where it is damaged, --check tells: bytes are shown without names.
    template <class Fn>
    void for_each_page_of_names(Fn fn) try {
        std::set<std::uint64_t> passed;
        std::uint64_t no = 0;
        do {
            auto const names = at(no);
            if (!names.has_roots() || !passed.insert(no).second) { return; }
            no = fn(names);
        } while (no > 0 && no < pages_);
    } catch (quire::error const&) {}

    int summary() {
        std::map<std::string, std::uint64_t> kinds;
        for (std::uint64_t no = 0; no < pages_; ++no) { ++kinds[at(no).kind()]; }
        item all{wanted_.path};
        all.add("pages", pages_).add("page size", Size);
        for (auto const& [kind, count] : kinds) {
            all.below.push_back(item{kind}.add("pages", count));
        }
        if (has_catalog()) {
            auto catalog = at(0).describe({});
            for_each_page_of_names([&](page<Size> const& names) {
                return names.is_catalog() ? names.next_of_roots() : names.add_roots(catalog);
            });
            all.below.push_back(std::move(catalog));
        }
        print(all, wanted_);
        return 0;
    }
    int one_page(std::uint64_t no) {
        if (no >= pages_) {
            throw std::runtime_error{pages_ == 0 ? "there are no pages"
                                                 : "there are pages 0 to " +
                                                       std::to_string(pages_ - 1)};
        }
        known_schemas known;
        if (has_catalog()) {
            for_each_page_of_names([&](page<Size> const& names) {
                return names.add_schemas(known);
            });
        }
        known.given = wanted_.schema;
        print(at(no).describe(known), wanted_);
        return 0;
    }
    int map() {
        for (std::uint64_t no = 0; no < pages_; ++no) {
            if (no % 64 == 0) {
                std::cout << (no > 0 ? "\n" : "") << std::setw(8) << no << "  ";
            }
            std::cout << at(no).letter();
        }
        std::cout << "\nH heap  L leaf  I inner node  R records  D directory  C catalog  "
                     "N names  A allocation\nO overflow  lower case: less than half full  "
                     ". free  _ blank  ? another kind  ! broken\n";
        return 0;
    }
    int check() {
        item all{wanted_.path};
        auto const add = [&](std::uint64_t no, std::string const& why) {
            all.below.push_back(item{"page " + std::to_string(no)}.add("wrong", why));
        };
        for (std::uint64_t no = 0; no < pages_; ++no) {
            if (auto const why = at(no).wrong(); !why.empty()) { add(no, why); }
        }
        if (rest_ > 0) { add(pages_, "the file ends in it"); }
        std::vector<std::string> done{"each page by itself"}, passed;
        auto const pass = [&](char const* why) {
            passed.push_back(std::string{"the file as a whole: "} + why);
        };
        if (rest_ > 0) {
            pass("it ends in a page");
        } else if (!has_catalog()) {
            pass("it has no catalog");
        } else if constexpr (Size == 4096 || Size == 16'384) {
            tables_check<Size> tables{wanted_.path};
            tables.run();
            for (auto const& one : tables.found) { add(one.page.value(), one.text); }
            done.insert(done.end(), tables.done.begin(), tables.done.end());
            passed = tables.passed;
        } else {  // each size compiles for ten seconds
            pass("this program does that for pages of 4096 and 16384 bytes");
        }
        auto const count = all.below.size();
        for (auto const& one : done) { all.below.push_back({"checked: " + one}); }
        for (auto const& one : passed) { all.below.push_back({"not checked: " + one}); }
        print(all.add("pages", pages_).add("wrong", count), wanted_);
        return count == 0 ? 0 : 1;
    }

    std::ifstream& file_;
    std::uint64_t pages_;
    std::uint64_t rest_;  ///< bytes behind them
    request const& wanted_;
    std::vector<std::byte> room_ = std::vector<std::byte>(Size);
};

/// That of a catalog, or 4096.
std::size_t page_size_of(std::ifstream& file) {
    std::array<std::byte, 48> head{};
    file.read(reinterpret_cast<char*>(head.data()), head.size());
    using catalog = quire::catalog_page<std::byte const, 4096>;
    bool const is_catalog = quire::load_le<std::uint64_t>(head.data() + 32) == catalog::file_magic;
    return is_catalog ? quire::load_le<std::uint32_t>(head.data() + 44) : 4096;
}
/// Whether its first block is the header of one.
bool is_log(std::ifstream& file) {
    std::array<std::byte, quire::detail::log_block> first{};
    file.read(reinterpret_cast<char*>(first.data()), first.size());
    file.clear();
    file.seekg(0);
    return quire::detail::log_header::is_valid(quire::detail::log_block_bytes{first});
}
/// Nothing if it makes no sense.
std::optional<request> request_of(std::vector<std::string> const& arguments) {
    request wanted;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        bool const has_next = i + 1 < arguments.size();
        if (arguments[i] == "--json") {
            wanted.as_json = true;
        } else if (arguments[i] == "--page-size" && has_next) {
            wanted.page_size = number_in(arguments[++i]);
        } else if (arguments[i] == "--schema" && has_next) {
            wanted.schema = row_schema::of(arguments[++i]);
        } else if (arguments[i] == "--log" && has_next && wanted.path.empty()) {
            wanted.is_log = true;
            wanted.path = arguments[++i];
        } else if (wanted.path.empty() && !arguments[i].starts_with("--")) {
            wanted.path = arguments[i];
        } else if (wanted.what.empty() && !wanted.is_log) {
            wanted.what = arguments[i];
        } else {
            return std::nullopt;
        }
    }
    bool const is_number = wanted.what.find_first_not_of("0123456789") == std::string::npos;
    bool const makes_sense = is_number || wanted.what == "--check" ||
                             (wanted.what == "--map" && !wanted.as_json);
    return wanted.path.empty() || !makes_sense ? std::nullopt : std::optional{wanted};
}

}  // namespace pagedump

int main(int argc, char** argv) try {
    using namespace pagedump;
    auto const wanted = request_of({argv + 1, argv + argc});
    if (!wanted) {
        std::cerr << "usage: pagedump [--page-size N] [--schema TEXT] FILE [--map | [PAGE | "
                     "--check] [--json]]\n       pagedump --log LOGFILE [--json]\n";
        return 2;
    }
    if (wanted->is_log) {
        auto const all = log_dump{wanted->path}.describe();
        print(all, *wanted);
        return all.has("WRONG") ? 1 : 0;
    }
    std::ifstream file{wanted->path, std::ios::binary | std::ios::ate};
    if (!file) { throw std::runtime_error{wanted->path + " cannot be opened"}; }
    auto const bytes = static_cast<std::uint64_t>(file.tellg());
    file.seekg(0);
    if (is_log(file)) { throw std::runtime_error{"this is a log: pagedump --log " + wanted->path}; }
    auto const size = wanted->page_size > 0 ? wanted->page_size : page_size_of(file);
    return quire::visit_page_size<512, 1024, 2048, 4096, 8192, 16'384, 32'768>(
        size, [&](auto n) { return file_dump<n>{file, bytes, *wanted}.run(); });
} catch (std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
