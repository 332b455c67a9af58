// SPDX-License-Identifier: BSL-1.0

/// pagedump [--page-size N] FILE [PAGE | --map | --check] [--json]
///
/// Pages of a file of quire's, shown to a person. Without more: which kinds of pages it has, and
/// the roots of its catalog. PAGE: one page, header, slots and content. --map: the whole file, one
/// character a page. --check: what contradicts itself, page by page (status 1 when something does).
/// The page size is that of the file's catalog, or 4096.
///
/// Views need bytes and no pool: this program reads the file by itself, locks nothing, and shows
/// damaged pages, too. What it shows of a file that is being written is a page here and there.

#include <quire/quire.hpp>
#include <quire/table/allocation_page.hpp>
#include <quire/table/btree_page.hpp>
#include <quire/table/catalog_page.hpp>
#include <quire/table/free_page.hpp>
#include <quire/table/heap_directory_page.hpp>
#include <quire/table/record_page.hpp>

#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>
#include <string>
#include <vector>

using bytes_type = std::span<std::byte const>;

// ---- what is shown --------------------------------------------------------------------------

/// A line, and the lines below it: printed for people, or as JSON.
struct item {
    std::string name;
    std::vector<std::pair<std::string, std::string>> fields{};
    std::vector<item> below{};

    template <class T>
    item& add(std::string key, T const& value) {
        if constexpr (std::is_arithmetic_v<T>) {
            fields.emplace_back(std::move(key), std::to_string(value));
        } else {
            fields.emplace_back(std::move(key), std::string{value});
        }
        return *this;
    }
    void print(std::ostream& out, std::size_t depth = 0) const {
        out << std::string(2 * depth, ' ') << name;
        for (auto const& [key, value] : fields) { out << "  " << key << ' ' << value; }
        out << '\n';
        for (auto const& one : below) { one.print(out, depth + 1); }
    }
    void print_json(std::ostream& out) const {
        out << "{\"name\":" << quoted(name);
        for (auto const& [key, value] : fields) {
            out << ',' << quoted(key) << ':' << quoted(value);
        }
        if (!below.empty()) {
            out << ",\"items\":[";
            for (std::size_t i = 0; i < below.size(); ++i) {
                if (i > 0) { out << ','; }
                below[i].print_json(out);
            }
            out << ']';
        }
        out << '}';
    }

private:
    static std::string quoted(std::string const& text) {  // texts here are printable ASCII
        std::string all{'"'};
        for (char const c : text) {
            if (c == '"' || c == '\\') { all += '\\'; }
            all += c;
        }
        return all + '"';
    }
};

/// "Ada..b" and its length: what is no printable ASCII is a dot.
std::string shown(bytes_type bytes) {
    constexpr std::size_t most = 60;
    std::string text;
    for (std::byte const b : bytes.first(std::min(bytes.size(), most))) {
        auto const c = std::to_integer<char>(b);
        text += c >= ' ' && c <= '~' ? c : '.';
    }
    return '"' + text + (bytes.size() > most ? "...\" " : "\" ") + std::to_string(bytes.size());
}

// ---- pages ----------------------------------------------------------------------------------

/// One page, of any kind.
template <std::size_t Size>
class page {
public:
    page(std::span<std::byte const, Size> bytes, std::uint64_t no) : bytes_{bytes}, no_{no} {}

    [[nodiscard]] quire::page_state state() const {
        return quire::crc_seal.check(bytes_, quire::page_id{quire::file_no{0}, no_},
                                     quire::crc_seal.file_value);
    }
    [[nodiscard]] std::string kind() const {
        static constexpr char const* names[] = {"heap page",       "tree node",   "catalog",
                                                "allocation page", "free page",   "record page",
                                                "directory page"};
        auto const number = static_cast<std::size_t>(header().kind);
        if (state() == quire::page_state::blank) { return "blank page"; }
        if (number < 1 || number > std::size(names)) { return "page of another kind"; }
        return names[number - 1];
    }
    /// As --map explains it.
    [[nodiscard]] char letter() const {
        using quire::kind_no;
        if (state() == quire::page_state::blank) { return '_'; }
        if (state() != quire::page_state::good) { return '!'; }
        try {
            bool const full = fill() >= 50;
            switch (header().kind) {
                case kind_no::heap: return full ? 'H' : 'h';
                case kind_no::btree: return node().level() > 0 ? (full ? 'I' : 'i')
                                                               : (full ? 'L' : 'l');
                case kind_no::catalog: return 'C';
                case kind_no::allocation: return 'A';
                case kind_no::free: return '.';
                case kind_no::records: return full ? 'R' : 'r';
                case kind_no::directory: return 'D';
            }
        } catch (quire::error const&) { return '!'; }
        return '?';
    }
    /// What contradicts itself in the page; empty when nothing does.
    [[nodiscard]] std::string wrong() const {
        if (state() == quire::page_state::blank) { return ""; }
        if (state() != quire::page_state::good) { return "its seal does not fit"; }
        try {
            visit([](auto const& its) { its.validate(); });
        } catch (quire::error const& e) { return std::string{e.operation()}; }
        return "";
    }
    [[nodiscard]] item describe() const {
        auto const h = header();
        item all{"page " + std::to_string(no_)};
        all.add("kind", kind()).add("version", static_cast<unsigned>(h.version));
        all.add("own number", h.number).add("lsn", h.lsn);
        if (auto const why = wrong(); !why.empty()) { all.add("WRONG", why); }
        if (state() == quire::page_state::blank) { return all; }
        try {
            describe_content(all);
        } catch (quire::error const& e) { all.below.push_back({e.what()}); }
        return all;
    }

private:
    template <template <class, std::size_t> class View>
    using view = View<std::byte const, Size>;
    using node_type = view<quire::btree_page>;

    [[nodiscard]] quire::page_header header() const {
        return quire::page_header::load(bytes_.template first<quire::page_header::size>());
    }
    [[nodiscard]] node_type node() const { return node_type{bytes_}; }
    template <class Fn>
    void visit(Fn fn) const {
        using quire::kind_no;
        switch (header().kind) {
            case kind_no::heap: return fn(view<quire::heap_page>{bytes_});
            case kind_no::btree: return fn(node());
            case kind_no::catalog: return fn(view<quire::catalog_page>{bytes_});
            case kind_no::allocation: return fn(view<quire::allocation_page>{bytes_});
            case kind_no::free: return fn(view<quire::free_page>{bytes_});
            case kind_no::records: return fn(view<quire::record_page>{bytes_});
            case kind_no::directory: return fn(view<quire::heap_directory_page>{bytes_});
        }
    }
    /// In hundredths.
    [[nodiscard]] std::size_t fill() const {
        std::size_t free = 0;
        if (header().kind == quire::kind_no::heap) {
            free = view<quire::heap_page>{bytes_}.free_space();
        } else if (header().kind == quire::kind_no::records) {
            free = view<quire::record_page>{bytes_}.free_space();
        } else if (header().kind == quire::kind_no::btree) {
            free = Size - std::min(node().used(), Size);
        }
        return 100 - free * 100 / Size;
    }
    void describe_content(item& all) const {
        using quire::kind_no;
        switch (header().kind) {
            case kind_no::heap: return describe_heap(all);
            case kind_no::btree: return describe_node(all);
            case kind_no::catalog: return describe_catalog(all);
            case kind_no::allocation: return describe_allocation(all);
            case kind_no::free: return;
            case kind_no::records: return describe_records(all);
            case kind_no::directory: return describe_directory(all);
        }
        all.below.push_back({shown(bytes_)});
    }
    void describe_heap(item& all) const {
        view<quire::heap_page> const heap{bytes_};
        all.add("slots", heap.slot_count()).add("free bytes", heap.free_space());
        for (std::size_t i = 0; i < heap.slot_count(); ++i) {
            item one{"slot " + std::to_string(i)};
            if (quire::slot_id const slot{i}; heap.contains(slot)) {
                auto const tuple = heap.tuple(slot);
                tuple.with_span([&](bytes_type bytes) { one.add("tuple", shown(bytes)); });
            }
            all.below.push_back(std::move(one));
        }
    }
    void describe_node(item& all) const {
        auto const is = node();
        all.add("tree", is.tree()).add("level", is.level()).add("entries", is.count());
        all.add("bytes used", is.used());
        all.add("from", shown(is.low()));
        all.add("below", is.has_high() ? shown(is.high()) : "no limit");
        std::vector<std::byte> prefix(node_type::key_size_max);
        prefix.resize(is.copy_prefix(prefix));
        for (std::size_t i = 0; i < is.count(); ++i) {
            auto key = prefix;
            auto const rest = is.suffix(i);
            key.insert(key.end(), rest.begin(), rest.end());
            item one{"entry " + std::to_string(i)};
            one.add("key", shown(key));
            is.level() > 0 ? one.add("child", is.child(i).value())
                           : one.add("value", shown(is.value(i)));
            all.below.push_back(std::move(one));
        }
    }
    void describe_catalog(item& all) const {
        view<quire::catalog_page> const catalog{bytes_};
        auto const needed = catalog.log().opening;
        all.add("page size", catalog.page_size()).add("closed", catalog.is_closed() ? "yes" : "no");
        if (catalog.is_in_doubt()) { all.add("in doubt", "yes"); }
        if (needed.log != 0) { all.add("needs log", needed.log); }
        for (std::size_t i = 0; i < catalog.slot_count(); ++i) {
            auto const root = catalog.entry(quire::slot_id{i});
            if (!root) { continue; }
            auto const name = catalog.name(root->slot);
            auto const schema = catalog.schema(root->slot);
            item one{"root " + std::string{name}};
            one.add("kind", root->kind == quire::root_kind::btree ? "tree" : "heap file");
            one.add("number", root->number).add("page", root->page.value());
            all.below.push_back(std::move(one.add("schema", std::string{schema})));
        }
    }
    void describe_allocation(item& all) const {
        view<quire::allocation_page> const map{bytes_};
        all.add("used", map.used()).add("of", view<quire::allocation_page>::bit_count);
    }
    void describe_records(item& all) const {
        view<quire::record_page> const records{bytes_};
        all.add("heap file", records.heap()).add("free bytes", records.free_space());
        records.for_each([&](quire::slot_id slot, auto const& record) {
            static constexpr char const* forms[] = {"row", "row that moved here", "moved away"};
            auto const form = static_cast<std::size_t>(record.form);
            item one{"slot " + std::to_string(slot.value())};
            one.add(forms[form - 1], shown(record.row));
            if (form > 1) {
                one.add(form == 2 ? "its id" : "now at",
                        std::to_string(record.other.page.value()) + ':' +
                            std::to_string(record.other.slot.value()));
            }
            all.below.push_back(std::move(one));
            return true;
        });
    }
    void describe_directory(item& all) const {
        view<quire::heap_directory_page> const directory{bytes_};
        all.add("heap file", directory.heap()).add("next", directory.next().value());
        for (std::size_t i = 0; i < directory.count(); ++i) {
            item one{"page " + std::to_string(directory[i].page.value())};
            all.below.push_back(std::move(one.add("room", unsigned{directory[i].room})));
        }
    }

    std::span<std::byte const, Size> bytes_;
    std::uint64_t no_;
};

// ---- the program ----------------------------------------------------------------------------

struct request {
    std::string path{};
    std::string what{};  // a page's number, --map, --check, or nothing
    std::size_t page_size = 0;
    bool as_json = false;
};

template <std::size_t Size>
int run(std::ifstream& file, std::uint64_t pages, request const& wanted) {
    std::vector<std::byte> room(Size);
    auto const at = [&](std::uint64_t no) {
        file.clear();
        file.seekg(static_cast<std::streamoff>(no * Size));
        if (!file.read(reinterpret_cast<char*>(room.data()), Size)) {
            throw std::runtime_error{"page " + std::to_string(no) + " cannot be read"};
        }
        return page<Size>{std::span<std::byte const>{room}.template first<Size>(), no};
    };
    auto const print = [&](item const& all) {
        if (!wanted.as_json) { return all.print(std::cout); }
        all.print_json(std::cout);
        std::cout << '\n';
    };
    if (wanted.what == "--map") {
        for (std::uint64_t no = 0; no < pages; ++no) {
            if (no % 64 == 0) {
                std::cout << (no > 0 ? "\n" : "") << std::setw(8) << no << "  ";
            }
            std::cout << at(no).letter();
        }
        std::cout << "\nH heap  L leaf  I inner node  R records  D directory  C catalog  "
                     "A allocation\nsmall: less than half full  . free  _ blank  ? another kind  "
                     "! broken\n";
        return 0;
    }
    if (wanted.what == "--check") {
        item all{wanted.path};
        for (std::uint64_t no = 0; no < pages; ++no) {
            if (auto const why = at(no).wrong(); !why.empty()) {
                all.below.push_back(item{"page " + std::to_string(no)}.add("wrong", why));
            }
        }
        print(all.add("pages", pages).add("wrong", all.below.size()));
        return all.below.empty() ? 0 : 1;
    }
    if (!wanted.what.empty()) {
        auto const no = std::stoull(wanted.what);
        if (no >= pages) {
            throw std::runtime_error{"there are pages 0 to " + std::to_string(pages - 1)};
        }
        print(at(no).describe());
        return 0;
    }
    std::map<std::string, std::uint64_t> kinds;
    for (std::uint64_t no = 0; no < pages; ++no) { ++kinds[at(no).kind()]; }
    item all{wanted.path};
    all.add("pages", pages).add("page size", Size);
    for (auto const& [kind, count] : kinds) { all.below.push_back(item{kind}.add("pages", count)); }
    if (pages > 0 && at(0).kind() == "catalog") { all.below.push_back(at(0).describe()); }
    print(all);
    return 0;
}

/// That of a catalog, or 4096.
std::size_t page_size_of(std::ifstream& file) {
    std::array<std::byte, 48> head{};
    file.read(reinterpret_cast<char*>(head.data()), head.size());
    using catalog = quire::catalog_page<std::byte const, 4096>;
    bool const is_catalog = quire::load_le<std::uint64_t>(head.data() + 32) == catalog::file_magic;
    return is_catalog ? quire::load_le<std::uint32_t>(head.data() + 44) : 4096;
}

int main(int argc, char** argv) try {
    request wanted;
    std::vector<std::string> const arguments(argv + 1, argv + argc);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == "--json") {
            wanted.as_json = true;
        } else if (arguments[i] == "--page-size" && i + 1 < arguments.size()) {
            wanted.page_size = std::stoull(arguments[++i]);
        } else {
            (wanted.path.empty() ? wanted.path : wanted.what) = arguments[i];
        }
    }
    bool const is_number = wanted.what.find_first_not_of("0123456789") == std::string::npos;
    if (wanted.path.empty() ||
        (!is_number && wanted.what != "--map" && wanted.what != "--check")) {
        std::cerr << "usage: pagedump [--page-size N] FILE [PAGE | --map | --check] [--json]\n";
        return 2;
    }
    std::ifstream file{wanted.path, std::ios::binary | std::ios::ate};
    if (!file) { throw std::runtime_error{wanted.path + " cannot be opened"}; }
    auto const bytes = static_cast<std::uint64_t>(file.tellg());
    file.seekg(0);
    auto const size = wanted.page_size > 0 ? wanted.page_size : page_size_of(file);
    return quire::visit_page_size<512, 1024, 2048, 4096, 8192, 16'384, 32'768>(
        size, [&](auto n) { return run<n>(file, bytes / n, wanted); });
} catch (std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
