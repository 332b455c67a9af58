// SPDX-License-Identifier: BSL-1.0

/// sqlite_reader FILE                the tables of an SQLite database, and how many rows they have
/// sqlite_reader FILE TABLE COLUMN   count, sum, minimum and maximum of a column, as SQL has them
///
/// Page kinds of your own for files of another program: SQLite's pages come from the device into
/// frames, and its rows are read there. A row is copied only if it goes on in overflow pages, and
/// what is asked for is not in its first part. No line of SQLite is used.
///
/// Any bytes may be in the file: what is wrong is said with the page where it stands, by SQLite's
/// numbers, which begin at 1. Not read, and refused by name: what a WAL or a hot journal has,
/// UTF-16, tables WITHOUT ROWID, virtual tables, generated columns. Texts are ordered by their
/// bytes, and have no sum.

#include <quire/quire.hpp>
#if __has_include(<liburing.h>)
#include <quire/io/uring_backend.hpp>
using backend_type = quire::uring_backend;
#else
using backend_type = quire::direct_backend;
#endif

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using bytes_type = std::span<std::byte const>;

[[noreturn]] void refuse(std::string const& why) { throw std::runtime_error{why}; }
[[noreturn]] void damage(std::uint64_t page, std::string const& what) {
    refuse("page " + std::to_string(page) + ": " + what);
}

// ---- bytes ----------------------------------------------------------------------------------

/// SQLite's numbers of 1 to 9 bytes, seven bits in each, the highest first; nothing at the end of
/// `from`, which becomes what is behind.
inline std::optional<std::uint64_t> take_varint(bytes_type& from) {
    if (!from.empty() && from[0] < std::byte{0x80}) {  // most are so short
        auto const value = std::to_integer<std::uint64_t>(from[0]);
        from = from.subspan(1);
        return value;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 9 && i < from.size(); ++i) {
        auto const byte = std::to_integer<std::uint64_t>(from[i]);
        value = i == 8 ? value << 8 | byte : value << 7 | (byte & 0x7F);
        if (i == 8 || byte < 0x80) {
            from = from.subspan(i + 1);
            return value;
        }
    }
    return std::nullopt;
}
/// A number of 0 to 8 bytes, the highest first, with a sign.
std::int64_t signed_number(bytes_type from) {
    if (from.empty()) { return 0; }
    std::uint64_t value = std::to_integer<signed char>(from[0]) < 0 ? ~std::uint64_t{0} : 0;
    for (std::byte const b : from) { value = value << 8 | std::to_integer<std::uint64_t>(b); }
    return static_cast<std::int64_t>(value);
}

//! [pages]
/// A page of a table's tree. Byte map (in page 1 from byte 100: the file's header is before it):
///   0  1  kind: 13 a leaf, 5 an inner page
///   3  2  cells
///   8  4  of an inner page: its last child
///   8 or 12  ..  where each cell is, 2 bytes
/// A leaf's cell: a varint of the row's size, a varint of its rowid, and the row, or its first part
/// and the number of the page where it goes on. An inner page's cell begins with a child.
template <class Byte, std::size_t PageSize>
class tree_page : public quire::numbered_page_view<tree_page, Byte, PageSize> {
    static constexpr std::byte leaf{13};
    static constexpr std::byte inner{5};

public:
    struct cell {
        std::int64_t rowid;
        std::uint64_t size;  // of the row
        std::size_t at;      // in the page
        std::size_t here;    // bytes of the row in this page
    };
    using tree_page::page_view::page_view;
    static void format(std::span<std::byte, PageSize>, quire::page_no) noexcept {}  // never written
    static bool accepts(std::span<std::byte const, PageSize> bytes, quire::page_no no) noexcept {
        auto const kind = bytes[no == quire::page_no{0} ? 100 : 0];
        return kind == leaf || kind == inner;
    }

    [[nodiscard]] bool is_leaf() const { return this->bytes()[begin()] == leaf; }
    [[nodiscard]] std::size_t cells() const {
        std::size_t const count = u16(begin() + 3);
        if (count > (PageSize - begin() - 12) / 2) { this->corrupt("it has too many cells"); }
        return count;
    }
    /// Child `i` of an inner page: 0 to cells().
    [[nodiscard]] std::uint32_t child(std::size_t i) const {
        auto const at = i == cells() ? begin() + 8 : place(begin() + 12 + 2 * i, 4);
        return this->load(quire::field_be<std::uint32_t>{at});
    }
    /// Cell `i` of a leaf, in a file with `usable` bytes in a page.
    [[nodiscard]] cell leaf_cell(std::size_t i, std::size_t usable) const {
        auto const begins = place(begin() + 8 + 2 * i, 2);
        auto rest = this->part(begins, PageSize - begins);
        auto const size = take_varint(rest);
        auto const rowid = take_varint(rest);
        if (!size || !rowid) { this->corrupt("a cell ends behind the page"); }
        cell found{static_cast<std::int64_t>(*rowid), *size, PageSize - rest.size(), 0};
        found.here = *size;
        if (auto const most = usable - 35; *size > most) {
            auto const least = (usable - 12) * 32 / 255 - 23;
            auto const fills_its_pages = least + (*size - least) % (usable - 4);
            found.here = fills_its_pages <= most ? fills_its_pages : least;
        }
        if (found.here + (*size > found.here ? 4 : 0) > rest.size()) {
            this->corrupt("a row ends behind the page");
        }
        return found;
    }
    /// The bytes of a row that are in this page.
    [[nodiscard]] quire::byte_view<std::byte const> row(cell const& of) const& QUIRE_LIFETIMEBOUND
        QUIRE_LENDS {
        return this->lend(of.at, of.here);
    }
    QUIRE_REFUSED_ON_TEMPORARY_PAGE(row);
    /// The page where the row goes on.
    [[nodiscard]] std::uint32_t next_page(cell const& of) const {
        return this->load(quire::field_be<std::uint32_t>{of.at + of.here});
    }

private:
    [[nodiscard]] std::size_t begin() const {
        return this->number() == quire::page_no{0} ? 100 : 0;
    }
    /// Where a cell of `size` bytes or more begins.
    [[nodiscard]] std::size_t place(std::size_t at, std::size_t size) const {
        std::size_t const begins = u16(at);
        if (begins > PageSize - size) { this->corrupt("a cell begins behind the page"); }
        return begins;
    }
    [[nodiscard]] std::uint16_t u16(std::size_t at) const {
        return this->load(quire::field_be<std::uint16_t>{at});
    }
};
static_assert(quire::page_kind<tree_page, 512> && quire::page_kind<tree_page, 65'536>);
//! [pages]

// ---- rows -----------------------------------------------------------------------------------

/// A value in a row: its serial type, and its bytes.
struct field {
    std::uint64_t type = 0;
    bytes_type bytes{};
    bool is_missing = false;

    [[nodiscard]] bool is_null() const { return type == 0; }
    [[nodiscard]] bool is_integer() const { return type <= 6 || type == 8 || type == 9; }
    [[nodiscard]] bool is_number() const { return type < 12; }
    [[nodiscard]] std::int64_t integer() const {
        return type >= 8 ? static_cast<std::int64_t>(type - 8) : signed_number(bytes);
    }
    [[nodiscard]] double real() const {
        if (is_integer()) { return static_cast<double>(integer()); }
        auto const bits = static_cast<std::uint64_t>(signed_number(bytes));
        double value;
        std::memcpy(&value, &bits, sizeof value);
        return value;
    }
    [[nodiscard]] std::string text() const {
        return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
    }
};

/// Column `n` of the row that begins with `row`; nothing when it is not in these bytes whole. A row
/// that has fewer columns has NULL.
std::optional<field> column_of(bytes_type row, std::size_t n) {
    static constexpr std::size_t sizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
    auto header = row;
    auto const header_size = take_varint(header);
    if (!header_size || *header_size > row.size() || *header_size < row.size() - header.size()) {
        return std::nullopt;
    }
    header = header.first(*header_size - (row.size() - header.size()));
    std::uint64_t at = *header_size;
    for (std::size_t i = 0; !header.empty(); ++i) {
        auto const type = take_varint(header);
        if (!type || *type == 10 || *type == 11) { return std::nullopt; }
        auto const size = *type < 12 ? sizes[*type] : (*type - 12) / 2;
        if (i == n) {
            if (at > row.size() || size > row.size() - at) { return std::nullopt; }
            return field{*type, row.subspan(at, size)};
        }
        if (size > ~at) { return std::nullopt; }
        at += size;
    }
    return field{.is_missing = true};
}

/// Count, sum, minimum and maximum, as SQL has them: NULL does not count.
class summary {
public:
    /// `as_real`: the column's declared type makes reals of its integers.
    void add(field const& value, bool as_real) {
        if (value.is_null()) { return; }
        ++count_;
        if (!value.is_number()) {
            has_sum_ = false;
        } else if (value.is_integer() && !as_real) {
            is_exact_ = is_exact_ && !__builtin_add_overflow(exact_, value.integer(), &exact_);
            sum_ += static_cast<double>(value.integer());
        } else {
            is_integer_ = false;
            sum_ += value.real();
        }
        if (!least_ || less(value, as_real, *least_)) { least_.emplace(value, as_real); }
        if (!most_ || less(*most_, value, as_real)) { most_.emplace(value, as_real); }
    }
    void print() const {
        std::cout << "count " << count_ << "\nsum "
                  << (count_ == 0 || !has_sum_ ? "-"
                      : !is_integer_           ? printed(sum_)
                      : is_exact_              ? std::to_string(exact_)
                                               : "- (integer overflow)")
                  << "\nminimum " << (least_ ? least_->printed() : "-") << "\nmaximum "
                  << (most_ ? most_->printed() : "-") << '\n';
    }

private:
    /// A value that outlives its page.
    struct kept {
        kept(field const& from, bool as_real)
            : rank{rank_of(from)}, is_integer{from.is_integer() && !as_real} {
            if (rank != 0) {
                bytes.assign(from.bytes.begin(), from.bytes.end());
            } else {
                integer = from.is_integer() ? from.integer() : 0;
                real = from.real();
            }
        }
        int rank;  // numbers before texts before blobs
        bool is_integer;
        std::int64_t integer = 0;
        double real = 0;
        std::vector<std::byte> bytes{};

        [[nodiscard]] std::string printed() const {
            if (rank == 1) { return field{13, bytes}.text(); }
            if (rank == 2) { return summary::printed(bytes); }
            return is_integer ? std::to_string(integer) : summary::printed(real);
        }
    };
    static int rank_of(field const& value) {
        return value.is_number() ? 0 : value.type % 2 == 1 ? 1 : 2;
    }
    /// Below, equal or above zero.
    static int compare(field const& a, bool as_real, kept const& b) {
        if (int const rank = rank_of(a); rank != b.rank) { return rank - b.rank; }
        if (b.rank == 0) {
            if (a.is_integer() && !as_real && b.is_integer) {
                auto const value = a.integer();
                return value < b.integer ? -1 : value > b.integer ? 1 : 0;
            }
            auto const value = a.real();
            return value < b.real ? -1 : value > b.real ? 1 : 0;
        }
        auto const both = std::min(a.bytes.size(), b.bytes.size());
        int const order = both == 0 ? 0 : std::memcmp(a.bytes.data(), b.bytes.data(), both);
        return order != 0 ? order : a.bytes.size() < b.bytes.size() ? -1
                                  : a.bytes.size() > b.bytes.size() ? 1 : 0;
    }
    static bool less(field const& a, bool as_real, kept const& b) {
        return compare(a, as_real, b) < 0;
    }
    static bool less(kept const& a, field const& b, bool as_real) {
        return compare(b, as_real, a) > 0;
    }
    /// As SQLite writes a blob, and a real.
    static std::string printed(std::span<std::byte const> blob) {
        std::string all{"X'"};
        for (std::byte const b : blob) {
            for (auto const half : {b >> 4, b & std::byte{15}}) {
                all += "0123456789ABCDEF"[std::to_integer<std::size_t>(half)];
            }
        }
        return all + '\'';
    }
    static std::string printed(double value) {
        if (std::isinf(value)) { return value < 0 ? "-Inf" : "Inf"; }
        char text[40];
        std::snprintf(text, sizeof text, "%.15g", value);
        std::string all{text};
        if (all.find('.') != std::string::npos) { return all; }
        auto const e = all.find('e');
        return all.insert(e == std::string::npos ? all.size() : e, ".0");
    }

    std::uint64_t count_ = 0;
    std::int64_t exact_ = 0;
    double sum_ = 0;
    bool has_sum_ = true;
    bool is_integer_ = true;
    bool is_exact_ = true;
    std::optional<kept> least_;
    std::optional<kept> most_;
};

// ---- tables ---------------------------------------------------------------------------------

struct table_info {
    std::string name;
    std::uint32_t root;
    std::string sql;
};
struct column_info {
    std::string name;
    std::string declared;  // what follows, in capitals, without quoted parts
};

/// The columns of a CREATE TABLE, and its constraints: what stands between commas.
std::vector<column_info> columns_of(std::string const& sql) {
    std::vector<column_info> columns(1);
    int depth = 0;
    for (std::size_t i = 0; i < sql.size(); ++i) {
        auto& [name, declared] = columns.back();
        auto const begins = sql.substr(i, 2);
        if (begins == "--" || begins == "/*") {
            auto const end = sql.find(begins == "--" ? "\n" : "*/", i + 2);
            i = end == std::string::npos ? sql.size() : end + (begins == "--" ? 0 : 1);
        } else if (auto const quote = std::string{"\"'`["}.find(sql[i]); quote != sql.npos) {
            std::string text;
            char const closing = "\"'`]"[quote];
            for (++i; i < sql.size(); ++i) {
                if (sql[i] == closing && (i + 1 >= sql.size() || sql[++i] != closing)) { break; }
                text += sql[i];
            }
            --i;
            if (depth == 1 && name.empty() && declared.empty()) {
                name = text;
            } else if (closing != '\'') {
                for (char& c : text) { c = static_cast<char>(std::toupper(c)); }
                declared += text;
            }
        } else if (sql[i] == '(' && ++depth == 1) {
            continue;
        } else if (sql[i] == ')' && --depth == 0) {
            break;
        } else if (depth == 1 && sql[i] == ',') {
            columns.emplace_back();
        } else if (depth >= 1) {
            auto const c = static_cast<unsigned char>(sql[i]);
            if (std::isspace(c) != 0) {
                if (!declared.empty() && declared.back() != ' ') { declared += ' '; }
            } else if (name.empty() && declared.empty()) {
                auto const end = std::min(sql.find_first_of(" \t\r\n,()", i), sql.size());
                name = sql.substr(i, end - i);
                i = end - 1;
            } else {
                declared += static_cast<char>(std::toupper(c));
            }
        }
    }
    return columns;
}
bool same_name(std::string const& a, std::string const& b) {
    return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) {
        return std::tolower(x) == std::tolower(y);
    });
}

/// The part of a declaration that is the type.
std::string type_of(std::string const& declared) {
    std::size_t end = declared.size();
    for (auto const* word : {" PRIMARY", " NOT", " NULL", " UNIQUE", " CHECK", " DEFAULT",
                             " COLLATE", " REFERENCES", " CONSTRAINT"}) {
        end = std::min(end, (' ' + declared).find(word));
    }
    auto type = declared.substr(0, end);
    while (type.ends_with(' ')) { type.pop_back(); }
    return type;
}

struct wanted_column {
    std::size_t number = 0;
    bool is_rowid = false;
    bool as_real = false;
    bool has_default = false;
};
wanted_column find_column(table_info const& table, std::string const& name) {
    auto const has = [](std::string const& text, char const* part) {
        return text.find(part) != std::string::npos;
    };
    auto const columns = columns_of(table.sql);
    std::optional<wanted_column> found;
    std::string type;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        auto const& declared = columns[i].declared;
        if (has(' ' + declared, " AS (") || has(' ' + declared, " AS(")) {
            refuse("table " + table.name + " has generated columns: not read");
        }
        bool const is_constraint =
            same_name(columns[i].name, "PRIMARY") || same_name(columns[i].name, "CONSTRAINT");
        if (!found && same_name(columns[i].name, name)) {
            type = type_of(declared);
            found = {.number = i,
                     .is_rowid = type == "INTEGER" && has(declared, "PRIMARY KEY") &&
                                 !has(declared, "PRIMARY KEY DESC"),
                     .as_real = !has(type, "INT") &&
                                (has(type, "REAL") || has(type, "FLOA") || has(type, "DOUB")),
                     .has_default = has(declared, "DEFAULT")};
        } else if (found && is_constraint && type == "INTEGER") {
            auto its = "PRIMARY" + declared;
            std::erase(its, ' ');
            auto key = "KEY(" + name + ")";
            for (char& c : key) { c = static_cast<char>(std::toupper(c)); }
            found->is_rowid = found->is_rowid || has(its, ("PRIMARY" + key).c_str());
        }
    }
    if (!found) { refuse("table " + table.name + " has no column " + name); }
    return *found;
}

//! [read]
template <std::size_t Size>
class database {
    using pool_type =
        quire::buffer_pool<Size, quire::s3_fifo, quire::hybrid_latch, backend_type>;

public:
    /// The lock is that of a reader among SQLite's own (quire::file_lock).
    database(std::string const& path, std::size_t reserved)
        : usable_{Size - reserved},
          pool_{{.frames = std::max<std::size_t>(64, (std::size_t{16} << 20) / Size)}},
          file_{pool_.open(path, quire::open_mode::read_only,
                           {.seal = quire::no_seal,
                            .blank = quire::blank_pages::shown,
                            .io = quire::io_mode::direct_or_buffered,
                            .lock = {.first = 0x4000'0002, .count = 510}})} {}

    /// `fn(page, number)` for the leaves of the tree with this root, read ahead.
    template <class Fn>
    void for_each_leaf(std::uint32_t root, Fn fn) {
        auto const depth = depth_of(root);
        std::vector<std::vector<std::uint32_t>> open{{root}};  // what is to be read of each level
        std::uint64_t read = 0;
        auto leaves = file_.template read_stream<tree_page>([&]() -> std::optional<quire::page_no> {
            for (;;) {
                while (!open.empty() && open.back().empty()) { open.pop_back(); }
                if (open.empty()) { return std::nullopt; }
                auto const next = open.back().back();
                open.back().pop_back();
                if (++read > file_.pages()) { damage(next, "the tree leads to it in a circle"); }
                if (open.size() > depth) { return quire::page_no{next - 1}; }
                open.push_back(children_of(next));
            }
        });
        while (auto* page = leaves.next()) {
            auto const number = page->page_no().value() + 1;
            if (!(*page)->is_leaf()) { damage(number, "an inner page among leaves"); }
            fn(*page, number);
        }
    }
    /// `fn(rowid, column)` for each row, where `column(n)` is a field, as long as fn runs.
    template <class Fn>
    void for_each_row(std::uint32_t root, Fn fn) {
        for_each_leaf(root, [&](auto& page, std::uint64_t number) {
            auto const cells = page->cells();
            for (std::size_t i = 0; i < cells; ++i) {
                auto const cell = page->leaf_cell(i, usable_);
                auto const row = page->row(cell);
                row.with_span([&](bytes_type here) {
                    fn(cell.rowid, [&](std::size_t n) {
                        auto found = column_of(here, n);
                        if (!found && cell.size > cell.here) {
                            auto const next = page->next_page(cell);
                            found = column_of(whole(number, here, cell.size, next), n);
                        }
                        if (!found) { damage(number, "a row contradicts its header"); }
                        return *found;
                    });
                });
            }
        });
    }
    //! [read]
    [[nodiscard]] std::uint64_t rows(std::uint32_t root) {
        std::uint64_t count = 0;
        for_each_leaf(root, [&](auto& page, std::uint64_t) { count += page->cells(); });
        return count;
    }
    [[nodiscard]] std::vector<table_info> tables() {
        std::vector<table_info> all;
        for_each_row(1, [&](std::int64_t, auto column) {
            if (column(0).text() != "table") { return; }
            auto const root = column(3);
            all.push_back({column(1).text(), static_cast<std::uint32_t>(root.integer()),
                           column(4).text()});
        });
        return all;
    }

private:
    [[nodiscard]] auto tree(std::uint64_t page, std::uint64_t from) {
        if (page == 0 || page > file_.pages()) {
            damage(from, "leads to page " + std::to_string(page) + ", which is none");
        }
        return file_.template read<tree_page>(page - 1);
    }
    [[nodiscard]] std::size_t depth_of(std::uint32_t root) {
        constexpr std::size_t depth_max = 40;
        std::uint64_t from = 1;
        for (std::size_t depth = 0; depth < depth_max; ++depth) {
            auto const page = tree(root, from);
            if (page->is_leaf()) { return depth; }
            from = root;
            root = page->child(0);
        }
        damage(from, "the tree is too deep");
    }
    /// Last to first.
    [[nodiscard]] std::vector<std::uint32_t> children_of(std::uint32_t number) {
        auto const page = tree(number, number);
        if (page->is_leaf()) { damage(number, "a leaf among inner pages"); }
        std::vector<std::uint32_t> all;
        for (auto i = page->cells() + 1; i-- > 0;) {
            all.push_back(page->child(i));
            if (all.back() == 0 || all.back() > file_.pages()) {
                damage(number, "leads to page " + std::to_string(all.back()) + ", which is none");
            }
        }
        return all;
    }
    /// A row put together from its first part and its overflow pages.
    [[nodiscard]] bytes_type whole(std::uint64_t number, bytes_type first, std::uint64_t size,
                                   std::uint64_t next) {
        if (size > file_.pages() * Size) { damage(number, "a row is larger than the file"); }
        whole_.assign(first.begin(), first.end());
        while (whole_.size() < size) {
            if (next == 0 || next > file_.pages()) {
                damage(number, "a row goes on in page " + std::to_string(next) + ", which is none");
            }
            auto const page = file_.read(next - 1);
            auto const bytes = page->bytes();
            bytes.with_span([&](bytes_type its) {
                next = quire::load_be<std::uint32_t>(its.data());
                auto const here = std::min<std::uint64_t>(usable_ - 4, size - whole_.size());
                auto const part = its.subspan(4, here);
                whole_.insert(whole_.end(), part.begin(), part.end());
            });
        }
        return whole_;
    }

    std::size_t usable_;
    pool_type pool_;
    typename pool_type::file file_;
    std::vector<std::byte> whole_;
};

// ---- the program ----------------------------------------------------------------------------

/// Why a table is not read; empty when it is.
std::string not_read(table_info const& table) {
    if (table.root == 0) { return "virtual: not read"; }
    auto tail = table.sql.substr(std::min(table.sql.rfind(')'), table.sql.size()));
    for (char& c : tail) { c = static_cast<char>(std::toupper(static_cast<unsigned char>(c))); }
    return tail.find("WITHOUT") != std::string::npos ? "WITHOUT ROWID: not read" : "";
}
template <class Database>
void list(Database& db) {
    for (auto const& table : db.tables()) {
        if (table.name.starts_with("sqlite_")) { continue; }
        auto const why = not_read(table);
        std::cout << table.name << ' ' << (why.empty() ? std::to_string(db.rows(table.root)) : why)
                  << '\n';
    }
}
template <class Database>
void summarise(Database& db, std::string const& name, std::string const& column_name) {
    auto const tables = db.tables();
    auto const table = std::ranges::find_if(
        tables, [&](table_info const& one) { return same_name(one.name, name); });
    if (table == tables.end()) { refuse("no table " + name); }
    if (auto const why = not_read(*table); !why.empty()) { refuse(name + " is " + why); }
    auto const wanted = find_column(*table, column_name);
    summary all;
    db.for_each_row(table->root, [&](std::int64_t rowid, auto column) {
        std::array<std::byte, 8> bytes;
        auto value = column(wanted.number);
        if (wanted.is_rowid && value.is_null()) {
            quire::store_be<std::uint64_t>(bytes.data(), static_cast<std::uint64_t>(rowid));
            value = {.type = 6, .bytes = bytes};
        }
        if (value.is_missing && wanted.has_default) {
            refuse("row " + std::to_string(rowid) + " is older than column " + column_name +
                   ", and defaults are not read");
        }
        all.add(value, wanted.as_real);
    });
    all.print();
}

/// What the file's first 100 bytes say. Refuses what this program does not read.
struct header {
    std::size_t page_size;
    std::size_t reserved;
};
header read_header(std::string const& path) {
    std::array<char, 100> raw{};
    std::ifstream file{path, std::ios::binary};
    if (!file) { refuse("cannot be opened"); }
    if (!file.read(raw.data(), raw.size()) ||
        std::string_view{raw.data(), 16} != std::string_view{"SQLite format 3\0", 16}) {
        refuse("is no SQLite database");
    }
    auto const bytes = std::as_bytes(std::span{raw});
    auto const size = quire::load_be<std::uint16_t>(bytes.data() + 16);
    header const found{size == 1 ? 65'536U : size, std::to_integer<std::size_t>(bytes[20])};
    if (found.page_size < 480 + found.reserved) { refuse("its page size makes no sense"); }
    if (quire::load_be<std::uint32_t>(bytes.data() + 56) > 1) { refuse("has UTF-16: not read"); }
    for (auto const* beside : {"-wal", "-journal"}) {
        std::error_code none;
        auto const length = std::filesystem::file_size(path + beside, none);
        if (!none && length > 0) {
            refuse(std::string{"has changes in "} + path + beside +
                   ", which are not read: let SQLite open and close it first");
        }
    }
    return found;
}

int main(int argc, char** argv) try {
    if (argc != 2 && argc != 4) {
        std::cerr << "usage: sqlite_reader FILE [TABLE COLUMN]\n";
        return 2;
    }
    auto const found = read_header(argv[1]);
    quire::visit_page_size(found.page_size, [&](auto size) {
        database<size> db{argv[1], found.reserved};
        argc == 2 ? list(db) : summarise(db, argv[2], argv[3]);
    });
} catch (quire::error const& e) {
    bool const is_damage = e.kind() == quire::errc::corrupt_page ||
                           e.kind() == quire::errc::wrong_page_kind;
    std::cerr << argv[1] << ": ";
    if (is_damage) { std::cerr << "page " << e.page().page().value() + 1 << ": "; }
    std::cerr << (e.kind() == quire::errc::wrong_page_kind ? "no page of a table"
                  : is_damage ? e.operation() : e.what()) << '\n';
    return 1;
} catch (std::exception const& e) {
    std::cerr << argv[1] << ": " << e.what() << '\n';
    return 1;
}
