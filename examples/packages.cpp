// SPDX-License-Identifier: BSL-1.0

/// packages: Debian's package list, loaded into a heap file and read back from the disk in place.
///
///     packages [--buffered] [--backend direct|uring|rbd POOL/IMAGE] [FILE]
///
/// FILE is made of stanzas (`Field: value` lines, a blank line between stanzas), by default
/// /var/lib/dpkg/status; an apt index is one too (`/usr/lib/apt/apt-helper cat-file FILE.lz4`).
/// The rows go into packages.db in the current folder; that is opened again with a pool of a tenth
/// of its pages, but at least 16 frames (into which the list of a small system fits, and nothing is
/// evicted), scanned, and the totals are compared with a straight parse of FILE.
/// Malformed stanzas are reported and left out. Exit status 0: the totals agree.
/// `uring` is there if liburing was when this was compiled (link it: -luring). Likewise `rbd`: an
/// image of the Ceph cluster that CEPH_CONF names, in place of packages.db (link -lrbd -lrados).

#include <quire/quire.hpp>
#if __has_include(<liburing.h>)
#include <quire/io/uring_backend.hpp>
#endif
#if __has_include(<rbd/librbd.h>)
#include <quire/io/rbd_backend.hpp>
#endif

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

enum class priority : std::uint8_t { unknown, required, important, standard, optional, extra };

struct package {
    std::string name;
    std::string version;
    std::string section;
    std::string maintainer;
    std::string summary;
    priority rank = priority::unknown;
    std::optional<std::uint64_t> installed_kib = std::nullopt;
};
BOOST_DESCRIBE_STRUCT(package, (),
                      (name, version, section, maintainer, summary, rank, installed_kib))

// ---- the input ----------------------------------------------------------------------------

using fields = std::map<std::string, std::string, std::less<>>;

std::string field(fields const& stanza, std::string_view name) {
    auto const found = stanza.find(name);
    return found == stanza.end() ? std::string{} : found->second;
}

/// A stanza as a row; or nothing, and `problem` says what is wrong.
std::optional<package> parse(fields const& stanza, std::string& problem) {
    package row{field(stanza, "Package"),    field(stanza, "Version"),
                field(stanza, "Section"),    field(stanza, "Maintainer"),
                field(stanza, "Description")};
    if (stanza.contains("")) { problem = "a line is not 'Field: value': " + field(stanza, ""); }
    if (row.name.empty()) { problem = "no Package field"; }
    constexpr std::array ranks{"", "required", "important", "standard", "optional", "extra"};
    auto const rank = std::find(ranks.begin(), ranks.end(), field(stanza, "Priority"));
    if (rank != ranks.end()) { row.rank = static_cast<priority>(rank - ranks.begin()); }
    if (auto const text = field(stanza, "Installed-Size"); !text.empty()) {
        std::uint64_t kib = 0;
        auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), kib);
        if (failed != std::errc{} || end != text.data() + text.size()) {
            problem = "Installed-Size is not a number: " + text;
        }
        row.installed_kib = kib;
    }
    constexpr auto most = quire::heap_page<std::byte, 4096>::tuple_size_max;
    if (quire::tuple_codec<package>::size(row) > most) {
        problem = "too large for a page";
    }
    if (problem.empty()) { return row; }
    return std::nullopt;
}

/// Calls `take(package)` for every good stanza of `path`, and `refuse(line, name, problem)` for
/// every other one.
template <class Take, class Refuse>
void for_each_package(std::string const& path, Take take, Refuse refuse) {
    std::ifstream input{path, std::ios::binary};
    if (!input || std::filesystem::is_directory(path)) {
        throw std::runtime_error{"cannot read " + path};
    }
    fields stanza;
    std::size_t line_no = 0;
    std::size_t first_line = 1;
    auto const finish = [&] {
        if (!stanza.empty()) {
            std::string problem;
            if (auto row = parse(stanza, problem)) {
                take(std::move(*row));
            } else {
                refuse(first_line, field(stanza, "Package"), problem);
            }
        }
        stanza.clear();
    };
    for (std::string line; std::getline(input, line);) {
        ++line_no;
        if (line.empty()) {
            finish();
            continue;
        }
        if (stanza.empty()) { first_line = line_no; }
        if (line.front() == ' ' || line.front() == '\t') { continue; }  // continues the last field
        auto const colon = line.find(':');
        auto const value = line.find_first_not_of(" \t", std::min(colon, line.size() - 1) + 1);
        stanza[colon == std::string::npos ? "" : line.substr(0, colon)] =
            colon == std::string::npos ? line
            : value == std::string::npos ? ""
                                         : line.substr(value);
    }
    if (input.bad()) { throw std::runtime_error{"cannot read " + path + " to its end"}; }
    finish();
}

// ---- what is compared ---------------------------------------------------------------------

struct sums {
    std::uint64_t rows = 0;
    std::uint64_t installed_kib = 0;
    bool operator==(sums const&) const = default;
};

struct totals {
    std::map<std::string, sums, std::less<>> sections;
    std::uint64_t text_bytes = 0;
    bool operator==(totals const&) const = default;

    void add(auto const& section, std::optional<std::uint64_t> kib, std::size_t text) {
        auto at = sections.find(section);
        if (at == sections.end()) { at = sections.emplace(section, sums{}).first; }
        ++at->second.rows;
        at->second.installed_kib += kib.value_or(0);
        text_bytes += text;
    }
};

/// How many bytes of a file the page cache holds.
std::size_t cached_bytes(std::string const& path, std::size_t size) {
    int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    void* const at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    ::close(fd);
    if (at == MAP_FAILED) { throw std::runtime_error{"cannot map " + path}; }
    auto const page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    std::vector<unsigned char> resident((size + page - 1) / page);
    int const failed = ::mincore(at, size, resident.data());
    ::munmap(at, size);
    if (failed != 0) { throw std::runtime_error{"mincore failed"}; }
    return page * static_cast<std::size_t>(std::count_if(
                      resident.begin(), resident.end(), [](auto r) { return (r & 1) != 0; }));
}

void progress(char const* what, std::uint64_t count, bool last = false) {
    static bool const terminal = ::isatty(STDERR_FILENO) != 0;
    if (terminal && (last || count % 1000 == 0)) {
        std::cerr << '\r' << what << ' ' << count << (last ? "\n" : "") << std::flush;
    }
}

// ---- the two halves -----------------------------------------------------------------------

template <class Backend>
using pool_over = quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch, Backend>;

/// Fills a fresh heap file, page by page. How many pages it has.
template <class Pool>
std::uint64_t load(std::string const& input, std::string const& database,
                   quire::file_options const& options) {
    Pool pool{{.frames = 256}};
    auto file = pool.open(database, quire::open_mode::create_or_replace, options);
    quire::guard_slot<typename Pool::template write_guard<quire::heap_page>> page;
    page.fill([&] { return file.template append<quire::heap_page>(); });
    std::uint64_t rows = 0;
    std::uint64_t refused = 0;
    auto const refuse = [&](std::size_t line, std::string const& name, std::string const& why) {
        ++refused;
        std::cerr << input << ':' << line << ": " << (name.empty() ? "a stanza" : name)
                  << " is left out: " << why << '\n';
    };
    auto const take = [&](package const& row) {
        if (!page->insert(row)) {
            page.fill([&] { return file.template append<quire::heap_page>(); });
            page->insert(row).value();
        }
        progress("rows loaded:", ++rows);
    };
    for_each_package(input, take, refuse);
    progress("rows loaded:", rows, true);
    page.reset();
    auto const pages = file.pages();
    file.close();
    std::cout << rows << " rows loaded, " << refused << " malformed stanzas left out\n";
    return pages;
}

struct largest {
    std::uint64_t kib;
    std::string name;
};

void keep_largest(std::vector<largest>& list, std::uint64_t kib, quire::column_text const& name) {
    constexpr std::size_t wanted = 10;
    if (list.size() == wanted && kib <= list.back().kib) { return; }
    auto const place = std::find_if(list.begin(), list.end(),
                                    [&](largest const& other) { return kib > other.kib; });
    list.insert(place, {kib, std::string{name}});
    if (list.size() > wanted) { list.pop_back(); }
}

struct read_so_far {
    totals sums;
    std::vector<largest> top;
    std::uint64_t rows = 0;
};

/// Reads the rows of a page in place.
void add_page(quire::heap_page<std::byte const, 4096> const& page, read_so_far& found) {
    for (auto row : page.rows<package>()) {
        auto const name = row.get<&package::name>();  // in the frame, not copied
        auto const section = row.get<&package::section>();
        auto const kib = row.get<&package::installed_kib>();
        found.sums.add(section, kib, name.size() + row.get<&package::summary>().size());
        keep_largest(found.top, kib.value_or(0), name);
        progress("rows read:", ++found.rows);
    }
}

/// Reads every row. The pool is a tenth of the file, or 16 frames.
template <class Pool>
totals scan(std::string const& database, std::uint64_t pages, quire::file_options const& options) {
    Pool pool{{.frames = std::max<std::size_t>(16, pages / 10)}};
    auto file = pool.open(database, quire::open_mode::read_only, options);
    read_so_far found;
    auto const begin = std::chrono::steady_clock::now();
    for (std::uint64_t no = 0; no < file.pages(); ++no) {
        auto const page = file.template read<quire::heap_page>(no);
        add_page(*page, found);
    }
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - begin;
    progress("rows read:", found.rows, true);

    for (auto const& [kib, name] : found.top) {
        std::cout << std::setw(12) << kib << " KiB  " << name << '\n';
    }
    for (auto const& [section, sum] : found.sums.sections) {
        std::cout << std::setw(8) << sum.rows << " packages  " << std::setw(12)
                  << sum.installed_kib << " KiB  " << (section.empty() ? "(none)" : section)
                  << '\n';
    }
    auto const stats = file.stats();
    auto const megabytes = static_cast<double>(stats.bytes_read) / 1e6;
    std::cout << std::fixed << std::setprecision(1) << found.rows << " rows in " << pool.frames()
              << " frames: " << static_cast<double>(found.rows) / seconds.count() << " rows/s, "
              << megabytes / seconds.count() << " MB/s\n"
              << stats.misses << " pages read, " << stats.evictions << " evictions, "
              << (file.mode() == quire::io_mode::direct ? "direct" : "buffered") << " I/O";
    if (std::filesystem::exists(database)) {
        std::cout << "; the page cache holds " << cached_bytes(database, pages * Pool::page_size)
                  << " of " << pages * Pool::page_size << " bytes";
    }
    std::cout << '\n';
    return found.sums;
}

template <class Pool>
totals load_and_scan(std::string const& input, std::string const& database,
                     quire::file_options const& to_write, quire::file_options const& to_read) {
    auto const pages = load<Pool>(input, database, to_write);
    return scan<Pool>(database, pages, to_read);
}

totals load_and_scan(std::string const& backend, std::string const& input,
                     std::string const& database, quire::file_options const& options) {
#if __has_include(<liburing.h>)
    if (backend == "uring") {
        return load_and_scan<pool_over<quire::uring_backend>>(input, database, options, options);
    }
#endif
#if __has_include(<rbd/librbd.h>)
    if (backend == "rbd") {  // which has no lock for readers: this one says so
        return load_and_scan<pool_over<quire::rbd_backend>>(input, database, options,
                                                            {.lock = quire::file_lock::none});
    }
#endif
    if (backend == "direct") {
        return load_and_scan<pool_over<quire::direct_backend>>(input, database, options, options);
    }
    throw std::runtime_error{"there is no backend " + backend + " in this program"};
}

/// Takes `--name VALUE` from the arguments; `otherwise` where it is missing.
std::string value_of(std::vector<std::string>& arguments, std::string const& name,
                     std::string otherwise) {
    auto const at = std::find(arguments.begin(), arguments.end(), name);
    if (at == arguments.end()) { return otherwise; }
    if (at + 1 == arguments.end()) { throw std::runtime_error{name + " needs a value"}; }
    auto value = at[1];
    arguments.erase(at, at + 2);
    return value;
}

}  // namespace

int main(int argc, char** argv) try {
    std::vector<std::string> arguments(argv + 1, argv + argc);
    std::string const backend = value_of(arguments, "--backend", "direct");
    bool const buffered = std::erase(arguments, "--buffered") > 0;
    std::string database = "packages.db";
    if (backend == "rbd") {
        if (arguments.empty()) { throw std::runtime_error{"--backend rbd needs POOL/IMAGE"}; }
        database = arguments.front();
        arguments.erase(arguments.begin());
    }
    std::string const input = arguments.empty() ? "/var/lib/dpkg/status" : arguments.front();
    quire::file_options const options{
        .io = buffered ? quire::io_mode::buffered : quire::io_mode::direct};

    if (!std::ifstream{input}) { throw std::runtime_error{"cannot read " + input}; }
    auto const found = load_and_scan(backend, input, database, options);

    totals expected;
    for_each_package(
        input,
        [&](package const& row) {
            expected.add(row.section, row.installed_kib, row.name.size() + row.summary.size());
        },
        [](auto const&...) {});
    bool const agree = found == expected;
    std::cout << (agree ? "totals agree with a straight parse\n"
                        : "TOTALS DIFFER from a straight parse\n");
    return agree ? 0 : 1;
} catch (std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
