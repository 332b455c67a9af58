// SPDX-License-Identifier: BSL-1.0

/// rows: the cost of the row path, compared with handwritten code, without a pool or a device.
///
/// Columns of random rows, all rows of a page, inserts, changes, and the checksum of a page. There
/// are 64 pages (256 KiB), or 64 MiB of them. The handwritten code is in row_pages.hpp; it reads a
/// row through a given pointer ("pointer"), or finds it by the line pointer as quire does, but
/// without a check ("unchecked").
///
/// Usage: rows [--quick] [--json FILE] [--scratch DIRECTORY]; it needs no directory

#include "arguments.hpp"
#include "report.hpp"
#include "rounds.hpp"
#include "row_pages.hpp"

#include <quire/base/detail/crc32c.hpp>

#include <cstring>
#include <vector>

#if defined(__SSE4_2__)
#include <nmmintrin.h>  // _mm_crc32_u64
#endif

namespace {

using namespace quire_bench;

struct effort {
    bool quick;
    [[nodiscard]] int rounds() const noexcept { return quick ? 3 : 51; }
    /// How often a pass of so many operations, a few ns each, is repeated in a round.
    [[nodiscard]] int repeats(std::size_t operations) const noexcept {
        return static_cast<int>(1 + (quick ? 50'000 : 250'000) / operations);
    }
};

std::vector<rounds::result> compare(report& to, effort how, std::string const& workload,
                                    std::string const& set, rounds const& works,
                                    std::size_t operations, answers answer = answers::alike) {
    auto found = works.run(how.rounds(), how.repeats(operations), answer);
    for (auto const& one : found) { to.add(workload, set, 1, one.name, one.nanoseconds); }
    return found;
}

figures const& of(std::vector<rounds::result> const& all, std::string const& name) {
    for (auto const& one : all) {
        if (one.name == name) { return one.nanoseconds; }
    }
    fail("no " + name);
}

/// `one(draw)` for each row of `draws`, added up.
template <class One>
auto over(std::vector<row_pages::draw> const& draws, One one) {
    return [&draws, one] {
        std::uint64_t sum = 0;
        for (auto const& draw : draws) { sum += one(draw); }
        return sum;
    };
}

std::uint64_t of_name(quire::column_text const& name) {
    return name.size() + static_cast<unsigned char>(name.front());
}
std::uint64_t name_by_hand(std::byte const* row) {
    return hand::load<std::uint16_t>(row + hand::name_end_at) - hand::name_at +
           hand::load<std::uint8_t>(row + hand::name_at);
}

void read_columns(report& to, effort how, row_pages const& pages, std::string const& set,
                  std::size_t count) {
    auto const draws = pages.some_draws(count);
    auto const row_at = [&](row_pages::draw draw) { return pages.at(draw.page) + draw.offset; };
    auto const found_row = [&](row_pages::draw draw) {
        std::byte const* const page = pages.at(draw.page);
        return page + hand::offset_of(hand::pointer_of(page, draw.slot));
    };

    rounds number;
    number.add("row", count, over(draws, [&](row_pages::draw draw) {
        shared_view const page{pages.span(draw.page)};
        auto const row = page.row<account>(quire::slot_id{draw.slot});
        return static_cast<std::uint64_t>(row.get<&account::id>());
    }));
    number.add("pointer", count, over(draws, [=](row_pages::draw draw) {
        return hand::load<std::uint64_t>(row_at(draw) + hand::id_at);
    }));
    number.add("unchecked", count, over(draws, [=](row_pages::draw draw) {
        return hand::load<std::uint64_t>(found_row(draw) + hand::id_at);
    }));
    auto const numbers = compare(to, how, "number", set, number, count);
    to.at_most("read a number, row - pointer, ns, " + set,
               median(differences(of(numbers, "row"), of(numbers, "pointer"))), 1.5);

    rounds string;
    string.add("row", count, over(draws, [&](row_pages::draw draw) {
        shared_view const page{pages.span(draw.page)};
        auto const row = page.row<account>(quire::slot_id{draw.slot});
        return of_name(row.get<&account::name>());
    }));
    string.add("pointer", count,
               over(draws, [=](row_pages::draw draw) { return name_by_hand(row_at(draw)); }));
    string.add("unchecked", count,
               over(draws, [=](row_pages::draw draw) { return name_by_hand(found_row(draw)); }));
    auto const strings = compare(to, how, "string", set, string, count);
    to.at_most("read a string, row - pointer, ns, " + set,
               median(differences(of(strings, "row"), of(strings, "pointer"))), 3.0);
}

/// All rows of all pages, one page after the other.
void walk(report& to, effort how, row_pages const& pages, std::string const& set) {
    rounds works;
    works.add("rows", pages.rows(), [&] {
        std::uint64_t sum = 0;
        for (std::size_t p = 0; p < pages.pages(); ++p) {
            shared_view const page{pages.span(p)};
            for (auto row : page.rows<account>()) {
                sum += static_cast<std::uint64_t>(row.get<&account::id>());
            }
        }
        return sum;
    });
    works.add("unchecked", pages.rows(), [&] {
        std::uint64_t sum = 0;
        for (std::size_t p = 0; p < pages.pages(); ++p) {
            std::byte const* const page = pages.at(p);
            auto const slots = hand::load<std::uint16_t>(page + hand::slot_count_at);
            for (std::size_t slot = 0; slot < slots; ++slot) {
                auto const pointer = hand::pointer_of(page, slot);
                if ((pointer & 3U) != 1U) { continue; }
                sum += hand::load<std::uint64_t>(page + hand::offset_of(pointer) + hand::id_at);
            }
        }
        return sum;
    });
    compare(to, how, "walk", set, works, pages.rows());
}

/// Fills `page` from its end, as quire does, with `put(row, account)`. Returns the number of rows.
template <class Put>
std::uint64_t fill_by_hand(std::span<std::byte, page_size> page,
                           std::vector<account> const& accounts, Put put) {
    std::memset(page.data(), 0, page.size());
    std::size_t upper = page.size();
    std::size_t rows = 0;
    for (;; ++rows) {
        account const& value = accounts[rows % accounts.size()];
        std::size_t const size = hand::size_of(value);
        if (hand::pointers_at + 4 * (rows + 1) + size > upper) { return rows; }
        upper -= size;
        put(page.data() + upper, value, size);
    }
}

std::uint64_t fill_by_quire(std::span<std::byte, page_size> page,
                            std::vector<account> const& accounts) {
    exclusive_view::format(page, quire::page_no{1});
    exclusive_view view{page};
    std::size_t rows = 0;
    while (view.insert(accounts[rows % accounts.size()])) { ++rows; }
    return rows;
}

void insert(report& to, effort how) {
    auto const accounts = some_accounts(64, 16, 16);
    row_pages const pages{64, accounts};
    auto const through_a_buffer = [](std::byte* to_row, account const& value, std::size_t size) {
        std::array<std::byte, 64> row;
        hand::encode(value, row.data());
        std::memcpy(to_row, row.data(), size);
    };
    auto const in_place = [](std::byte* row, account const& value, std::size_t) {
        hand::encode(value, row);
    };
    auto const each_page = [&](auto fill) {
        return [&, fill] {
            std::uint64_t rows = 0;
            for (std::size_t p = 0; p < pages.pages(); ++p) { rows += fill(pages.span(p)); }
            return rows;
        };
    };

    row_pages const other{1, accounts};
    auto const rows = fill_by_quire(pages.span(0), accounts);
    fill_by_hand(other.span(0), accounts, through_a_buffer);
    std::size_t const lower = hand::pointers_at + 4 * rows;
    if (std::memcmp(pages.at(0) + lower, other.at(0) + lower, page_size - lower) != 0) {
        fail("the hand wrote other rows");
    }

    rounds works;
    works.add("insert", pages.rows(),
              each_page([&](auto page) { return fill_by_quire(page, accounts); }));
    works.add("encode, memcpy", pages.rows(), each_page([&](auto page) {
        return fill_by_hand(page, accounts, through_a_buffer);
    }));
    works.add("encode in place", pages.rows(),
              each_page([&](auto page) { return fill_by_hand(page, accounts, in_place); }));
    auto const found = compare(to, how, "insert", "64 pages", works, pages.rows());
    to.at_most("insert / encode + memcpy",
               median(ratios(of(found, "insert"), of(found, "encode, memcpy"))), 2.0);
}

/// The cost of a change in place. No targets.
void change(report& to, effort how) {
    auto const accounts = some_accounts(64, 16, 16);
    row_pages const pages{64, accounts};
    std::size_t const count = 8192;
    auto const draws = pages.some_draws(count);
    rounds works;
    works.add("set", count, over(draws, [&](row_pages::draw draw) {
        exclusive_view const page{pages.span(draw.page)};
        auto row = page.row<account>(quire::slot_id{draw.slot});
        row.set<&account::id>(draw.offset);
        return 1U;
    }));
    works.add("set, optional", count, over(draws, [&](row_pages::draw draw) {
        exclusive_view const page{pages.span(draw.page)};
        auto row = page.row<account>(quire::slot_id{draw.slot});
        row.set<&account::balance>(double(draw.offset));
        return 1U;
    }));
    works.add("pointer", count, over(draws, [&](row_pages::draw draw) {
        hand::store(pages.at(draw.page) + draw.offset + hand::id_at, std::int64_t{draw.offset});
        return 1U;
    }));
    works.add("update", count, over(draws, [&](row_pages::draw draw) {
        exclusive_view page{pages.span(draw.page)};
        return page.update(quire::slot_id{draw.slot}, accounts[draw.slot % 64]) ? 1U : 0U;
    }));
    works.add("edit", count, over(draws, [&](row_pages::draw draw) {
        exclusive_view page{pages.span(draw.page)};
        bool const fits = page.edit<account>(quire::slot_id{draw.slot}, [](account& value) {
            value.name.back() = value.name.front();
        });
        return fits ? 1U : 0U;
    }));
    compare(to, how, "change", "64 pages", works, count);
}

#if defined(__SSE4_2__)
/// The crc32 instruction at its highest rate: three registers, never joined.
std::uint64_t bare_crc32(std::byte const* at) noexcept {
    constexpr std::size_t lane = page_size / 3 / 8 * 8;
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::uint64_t c = 0;
    for (std::size_t i = 0; i < lane; i += 8) {
        a = _mm_crc32_u64(a, hand::load<std::uint64_t>(at + i));
        b = _mm_crc32_u64(b, hand::load<std::uint64_t>(at + lane + i));
        c = _mm_crc32_u64(c, hand::load<std::uint64_t>(at + 2 * lane + i));
    }
    for (std::size_t i = 3 * lane; i < page_size; i += 8) {
        a = _mm_crc32_u64(a, hand::load<std::uint64_t>(at + i));
    }
    return a ^ b ^ c;
}
#endif

void checksum(report& to, effort how) {
    row_pages const pages{4, some_accounts(64, 8, 24)};
    auto const portable = [](std::span<std::byte const> bytes) {
        return ~quire::detail::crc32c_portable(~std::uint32_t{0}, bytes.data(), bytes.size());
    };
    if (quire::crc32c(pages.span(0)) != portable(pages.span(0))) { fail("two checksums"); }
    auto const each_page = [&](auto sum_of) {
        return [&, sum_of] {
            std::uint64_t sum = 0;
            for (std::size_t p = 0; p < pages.pages(); ++p) { sum += sum_of(pages.span(p)); }
            return sum;
        };
    };
    rounds works;
    works.add("quire", pages.pages(), each_page([](auto page) { return quire::crc32c(page); }));
    works.add("portable", pages.pages(), each_page(portable));
#if defined(__SSE4_2__)
    works.add("bare crc32", pages.pages(),
              each_page([](auto page) { return bare_crc32(page.data()); }));
#endif
    // One checksum counts as a hundred reads.
    auto const found = compare(to, how, "checksum", "4 KiB", works, 100 * pages.pages(),
                               answers::each_its_own);
#if defined(__SSE4_2__)
    to.at_most("CRC-32C of 4 KiB / bare crc32 loop",
               median(ratios(of(found, "quire"), of(found, "bare crc32"))), 1.2);
#endif
}

}  // namespace

int main(int argc, char** argv) try {
    auto const given = arguments("rows", argc, argv);
    stay_on(0);
    effort const how{given.quick};
    report found;
    auto const accounts = some_accounts(1000, 8, 24);
    {
        row_pages const pages{64, accounts};
        read_columns(found, how, pages, "64 pages", 8192);
        walk(found, how, pages, "64 pages");
    }
    {
        std::size_t const mebibytes = given.quick ? 4 : 64;
        row_pages const pages{(mebibytes << 20) / page_size, accounts};
        auto const set = std::to_string(mebibytes) + " MiB";
        read_columns(found, how, pages, set, given.quick ? 50'000 : 1'000'000);
        walk(found, how, pages, set);
    }
    insert(found, how);
    change(found, how);
    checksum(found, how);
    if (!given.json.empty()) { found.write(given.json); }
    found.print_targets();
} catch (std::exception const& e) {
    std::fprintf(stderr, "rows: %s\n", e.what());
    return 1;
}
