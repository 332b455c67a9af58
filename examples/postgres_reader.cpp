// SPDX-License-Identifier: BSL-1.0

/// postgres_reader [--no-checksums] FILE TYPE...
///
/// The rows of a PostgreSQL table: how many a new transaction would see, and of each column how
/// many values are not NULL, the sum of numbers, or the length of the longest text, in bytes.
///
///     psql -c CHECKPOINT -c "SELECT pg_relation_filepath('orders')"       # base/5/16384
///     postgres_reader DATA/base/5/16384 int8 text float8 timestamp        # its columns, in order
///
/// PostgreSQL's pages as a page kind of your own, and its data checksums as a seal of your own: a
/// page whose bytes have changed on the device is refused. Which transactions were committed stands
/// in pg_xact, beside base. What is not in the file is not seen: what came after the checkpoint,
/// and texts that are stored apart (of those the length is known). Not read: rows locked and
/// updated by several transactions at once, values that ALTER TABLE gave to older rows, tables with
/// columns that were dropped.

#include <quire/quire.hpp>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using bytes_type = std::span<std::byte const>;

constexpr std::size_t page_size = 8192;
constexpr std::uint64_t segment_pages = 131'072;  // of 1 GiB: then comes FILE.1

[[noreturn]] void refuse(std::string const& why) { throw std::runtime_error{why}; }

//! [seal]
/// PostgreSQL's checksum of a page: 32 sums of every 32nd word, by FNV-1a with a shift, all of them
/// together, and the page's number. The checksum's own bytes count as zero.
std::uint16_t checksum(bytes_type bytes, std::uint64_t block) noexcept {
    std::array<std::uint32_t, 32> sums{
        0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2,
        0x83E13D2C, 0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C,
        0xF718902A, 0x0B1C9CDB, 0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979,
        0xCCA6C0B2, 0x304A0979, 0x85AA43D4, 0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E,
        0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756};
    auto const mix = [](std::uint32_t& sum, std::uint32_t word) {
        auto const mixed = sum ^ word;
        sum = mixed * 16'777'619U ^ mixed >> 17;
    };
    for (std::size_t at = 0; at < page_size; at += 4 * sums.size()) {
        for (std::size_t i = 0; i < sums.size(); ++i) {
            auto word = quire::load_le<std::uint32_t>(bytes.data() + at + 4 * i);
            if (at + 4 * i == 8) { word &= 0xFFFF'0000; }
            mix(sums[i], word);
        }
    }
    auto all = static_cast<std::uint32_t>(block);
    for (auto& sum : sums) {
        mix(sum, 0);
        mix(sum, 0);
        all ^= sum;
    }
    return static_cast<std::uint16_t>(all % 65'535 + 1);
}
/// `first` is the number of the file's first page in the table.
quire::page_state check(bytes_type bytes, quire::page_id id, std::uint64_t first) noexcept {
    if (quire::load_le<std::uint16_t>(bytes.data() + 8) ==
        checksum(bytes, first + id.page().value())) {
        return quire::page_state::good;
    }
    for (std::byte const b : bytes) {
        if (b != std::byte{0}) { return quire::page_state::corrupt; }
    }
    return quire::page_state::blank;  // PostgreSQL has made the file longer, and nothing more
}
void seal(std::span<std::byte> bytes, quire::page_id id, std::uint64_t first) noexcept {
    quire::store_le<std::uint16_t>(bytes.data() + 8, checksum(bytes, first + id.page().value()));
}
//! [seal]

//! [page]
/// A page of a table. Byte map: 8 the checksum; 12 where the free space begins; 18 the page's size
/// and the layout's version, 4; 24 line pointers of 4 bytes: 15 bits offset, 2 state (1: a row), 15
/// length.
template <class Byte, std::size_t PageSize>
class table_page : public quire::numbered_page_view<table_page, Byte, PageSize> {
    static constexpr quire::field_le<std::uint16_t> lower{12};
    static constexpr quire::field_le<std::uint16_t> size_and_version{18};
    static constexpr std::size_t header = 24;

public:
    using table_page::page_view::page_view;
    static void format(std::span<std::byte, PageSize>, quire::page_no) noexcept {}  // never written
    static bool accepts(std::span<std::byte const, PageSize> bytes) noexcept {
        return size_and_version.load(bytes) == (PageSize | 4);
    }

    [[nodiscard]] std::size_t slots() const {
        std::size_t const end = this->load(lower);
        if (end < header || end > PageSize) { this->corrupt("where its free space begins"); }
        return (end - header) / 4;
    }
    /// Whether slot `i` has a row, or a version of one.
    [[nodiscard]] bool has_row(std::size_t i) const { return (pointer(i) >> 15 & 3) == 1; }
    /// Its bytes.
    [[nodiscard]] quire::byte_view<std::byte const> row(std::size_t i) const& QUIRE_LIFETIMEBOUND
        QUIRE_LENDS {
        auto const place = pointer(i);
        return this->lend(place & 0x7FFF, place >> 17);
    }
    QUIRE_REFUSED_ON_TEMPORARY_PAGE(row);

private:
    [[nodiscard]] std::uint32_t pointer(std::size_t i) const {
        return this->load(quire::field_le<std::uint32_t>{header + 4 * i});
    }
};
static_assert(quire::page_kind<table_page, page_size>);
//! [page]

/// Which transactions were committed: two bits each in files of 256 KiB.
class transactions {
public:
    explicit transactions(std::filesystem::path folder) : folder_{std::move(folder)} {}
    [[nodiscard]] bool committed(std::uint32_t xid) {
        constexpr std::uint32_t in_a_file = 1U << 20;
        if (xid < 3) { return xid != 0; }  // those that made the cluster
        auto& bytes = files_[xid / in_a_file];
        if (bytes.empty()) {
            std::array<char, 8> name{};
            std::snprintf(name.data(), name.size(), "%04X", xid / in_a_file);
            std::ifstream file{folder_ / name.data(), std::ios::binary};
            bytes.assign(std::istreambuf_iterator<char>{file}, {});
            if (bytes.empty()) { refuse("no " + (folder_ / name.data()).string()); }
        }
        auto const at = xid % in_a_file / 4;
        return at < bytes.size() && (bytes[at] >> xid % 4 * 2 & 3) == 1;
    }

private:
    std::filesystem::path folder_;
    std::map<std::uint32_t, std::string> files_;
};

/// A row version. Byte map: 0 its maker's transaction, 4 its deleter's, 18 flags and the number of
/// columns, 20 flags, 22 where the columns begin, 23 a bit for each column: whether it is not NULL.
class row_version {
public:
    explicit row_version(bytes_type bytes) : bytes_{bytes} {
        if (bytes.size() < 23 || begin() < 23 || begin() > bytes.size()) { wrong(); }
        if (has(0x0001) && begin() < 23 + (columns() + 7) / 8) { wrong(); }
    }
    [[nodiscard]] bool is_visible(transactions& known) const {
        bool const made = has(0x0100) || (!has(0x0200) && known.committed(u32(0)));
        if (!made) { return false; }
        bool const is_locked_only = has(0x0080);
        if (has(0x0800) || is_locked_only) { return true; }  // nobody has deleted it
        if (has(0x1000)) { refuse("a row has several transactions at once: not read"); }
        return !has(0x0400) && !known.committed(u32(4));
    }
    [[nodiscard]] std::size_t columns() const { return u16(18) & 0x07FF; }
    [[nodiscard]] bool is_null(std::size_t i) const {
        if (i >= columns()) { return true; }
        return has(0x0001) && (std::to_integer<unsigned>(bytes_[23 + i / 8]) >> i % 8 & 1) == 0;
    }
    [[nodiscard]] bytes_type data() const { return bytes_.subspan(begin()); }
    [[noreturn]] static void wrong() { refuse("a row contradicts itself"); }

private:
    [[nodiscard]] std::size_t begin() const { return std::to_integer<std::size_t>(bytes_[22]); }
    [[nodiscard]] bool has(unsigned flag) const { return (u16(20) & flag) != 0; }
    [[nodiscard]] unsigned u16(std::size_t at) const {
        return quire::load_le<std::uint16_t>(bytes_.data() + at);
    }
    [[nodiscard]] std::uint32_t u32(std::size_t at) const {
        return quire::load_le<std::uint32_t>(bytes_.data() + at);
    }

    bytes_type bytes_;
};

enum class sort { integer, real, text, other };

/// A column: its type, and what is known of its values.
struct column {
    std::string type;
    sort what;
    std::size_t size;  // in bytes; 0: it says itself
    std::size_t alignment;
    std::uint64_t values = 0;
    std::int64_t sum = 0;
    bool overflows = false;
    double real_sum = 0;
    std::uint64_t longest = 0;

    /// Takes the column's value from `data`, where it begins at `at` or behind, for alignment.
    void take(bytes_type data, std::size_t& at) {
        // A text of up to 126 bytes has one byte of length, never 0, and no alignment.
        bool const is_short = size == 0 && at < data.size() && data[at] != std::byte{0};
        if (!is_short) { at = (at + alignment - 1) / alignment * alignment; }
        if (at > data.size() || size > data.size() - at) { row_version::wrong(); }
        auto const value = data.subspan(at);
        ++values;
        at += size == 0 ? take_text(value) : size;
        if (what == sort::integer) {
            auto const number = size == 2   ? quire::load_le<std::int16_t>(value.data())
                                : size == 4 ? quire::load_le<std::int32_t>(value.data())
                                            : quire::load_le<std::int64_t>(value.data());
            overflows = __builtin_add_overflow(sum, number, &sum) || overflows;
        } else if (what == sort::real) {
            real_sum += size == 4 ? static_cast<double>(quire::load_le<float>(value.data()))
                                  : quire::load_le<double>(value.data());
        }
    }

private:
    /// The bytes that it takes. Texts may be here, here and compressed, or stored apart.
    std::size_t take_text(bytes_type value) {
        auto const u32 = [&](std::size_t at) {
            if (value.size() < at + 4) { row_version::wrong(); }
            return quire::load_le<std::uint32_t>(value.data() + at);
        };
        if (value.empty()) { row_version::wrong(); }
        auto const first = std::to_integer<unsigned>(value[0]);
        std::size_t taken = 0;
        std::uint64_t length = 0;
        if (first == 1) {  // apart: 2 bytes, the whole length and 4, and where it is
            taken = 18;
            length = u32(2) - 4;
        } else if ((first & 1) != 0) {
            taken = first >> 1;
            length = taken - 1;
        } else {
            taken = u32(0) >> 2;
            length = (first & 2) != 0 ? u32(4) & 0x3FFF'FFFF : taken - 4;
        }
        if (taken == 0 || taken > value.size()) { row_version::wrong(); }
        longest = std::max(longest, length);
        return taken;
    }
};

column column_of(std::string const& type) {
    static std::vector<column> const types{
        {"bool", sort::other, 1, 1},    {"int2", sort::integer, 2, 2},
        {"int4", sort::integer, 4, 4},  {"int8", sort::integer, 8, 8},
        {"float4", sort::real, 4, 4},   {"float8", sort::real, 8, 8},
        {"date", sort::other, 4, 4},    {"time", sort::other, 8, 8},
        {"timestamp", sort::other, 8, 8}, {"uuid", sort::other, 16, 1},
        {"name", sort::other, 64, 1},   {"numeric", sort::other, 0, 4},
        {"text", sort::text, 0, 4},     {"varchar", sort::text, 0, 4},
        {"bytea", sort::text, 0, 4},    {"json", sort::text, 0, 4},
    };
    std::string known;
    for (auto const& one : types) {
        if (one.type == type) { return one; }
        known += ' ' + one.type;
    }
    refuse("no type " + type + "; there are" + known);
}

int main(int argc, char** argv) try {
    std::vector<std::string> arguments(argv + 1, argv + argc);
    bool const has_checksums = std::erase(arguments, "--no-checksums") == 0;
    if (arguments.empty()) {
        std::cerr << "usage: postgres_reader [--no-checksums] FILE TYPE...\n";
        return 2;
    }
    std::vector<column> columns;
    for (std::size_t i = 1; i < arguments.size(); ++i) {
        columns.push_back(column_of(arguments[i]));
    }
    std::filesystem::path const first{arguments[0]};
    transactions known{std::filesystem::absolute(first).parent_path().parent_path().parent_path() /
                       "pg_xact"};
    quire::buffer_pool<page_size> pool{{.frames = 2048}};
    std::uint64_t rows = 0;
    for (std::uint64_t segment = 0;; ++segment) {
        auto const path = first.string() + (segment > 0 ? "." + std::to_string(segment) : "");
        if (segment > 0 && !std::filesystem::exists(path)) { break; }
        auto const file_seal = has_checksums
                                   ? quire::page_seal{check, seal, segment * segment_pages}
                                   : quire::no_seal;
        auto file = pool.open(path, quire::open_mode::read_only,
                              {.seal = file_seal,
                               .io = quire::io_mode::direct_or_buffered,
                               .lock = quire::file_lock::none});  // PostgreSQL locks no files
        for (auto& page : file.scan<table_page>()) try {
            auto const slots = page->slots();
            for (std::size_t i = 0; i < slots; ++i) {
                if (!page->has_row(i)) { continue; }
                auto const bytes = page->row(i);
                bytes.with_span([&](bytes_type its) {
                    row_version const row{its};
                    if (!row.is_visible(known)) { return; }
                    ++rows;
                    std::size_t at = 0;
                    for (std::size_t n = 0; n < columns.size(); ++n) {
                        if (!row.is_null(n)) { columns[n].take(row.data(), at); }
                    }
                });
            }
        } catch (std::runtime_error const& e) {
            refuse("page " + std::to_string(page.page_no().value()) + ": " + e.what());
        }
        file.close();
    }
    std::cout.precision(15);
    std::cout << "rows " << rows << '\n';
    for (auto const& one : columns) {
        std::cout << one.type << ' ' << one.values;
        if (one.what == sort::integer) {
            std::cout << " sum " << (one.overflows ? "too large" : std::to_string(one.sum));
        } else if (one.what == sort::real) {
            std::cout << " sum " << one.real_sum;
        } else if (one.what == sort::text) {
            std::cout << " longest " << one.longest;
        }
        std::cout << '\n';
    }
} catch (std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
