// SPDX-License-Identifier: BSL-1.0

/// copy: what it saves not to copy pages.
///
/// One pool, one kind of page and one kind of row, in three ways:
///
///   views      rows are read and written in the frame
///   copies     the page is copied out of the frame, read there, and copied back when it changed:
///              as an interface does that returns pages by value
///   buffered   as views, but the file is read and written through the system's page cache
///   ahead      as views, and the scan is file.scan, which reads ahead: one run of pages by a call
///
/// Each way has a pool of the same size, and scans a file, reads rows of it at random, and inserts
/// rows into a new one: half of what the pool holds, and sixteen times that. At sixteen times, the
/// page cache is emptied before each round, and may hold the whole file by its end: that memory is
/// in addition to the pool. Nanoseconds per row, and the processor time among them.
///
/// Usage: copy [--quick] [--json FILE] [--scratch DIRECTORY]

#include "arguments.hpp"
#include "device/page_file.hpp"
#include "device/slices.hpp"
#include "report.hpp"

#include <quire/quire.hpp>

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <vector>

namespace {

using namespace quire_bench;
using quire::heap_page;
using quire::slot_id;
using pool_type = quire::buffer_pool<page_size>;

struct entry {
    std::uint64_t id;
    std::uint64_t amount;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(entry, (), (id, amount, name))

entry const sample{1, 2, "sixteen letters."};
constexpr std::uint64_t rows_a_page = 80;

enum class way : std::uint8_t { views, copies, buffered, ahead };
constexpr std::array ways{way::views, way::copies, way::buffered, way::ahead};
constexpr std::array<char const*, 4> names{"views", "copies", "buffered", "ahead"};

quire::file_options how_to_open(way by) {
    return {.io = by == way::buffered ? quire::io_mode::buffered : quire::io_mode::direct};
}

/// A page's bytes outside the pool.
class page_copy {
public:
    explicit page_copy(pool_type::file const& file, std::uint64_t no) {
        auto page = file.read(no);
        auto const bytes = page->bytes();
        std::memcpy(bytes_.data(), bytes.unguarded_span().data(), page_size);
    }
    [[nodiscard]] heap_page<std::byte const, page_size> view() const noexcept {
        return heap_page<std::byte const, page_size>{std::span{bytes_}};
    }
    [[nodiscard]] heap_page<std::byte, page_size> view() noexcept {
        return heap_page<std::byte, page_size>{std::span{bytes_}};
    }
    void put_back(pool_type::file const& file, std::uint64_t no) const {
        auto page = file.write(no);
        auto const bytes = page->bytes();
        std::memcpy(bytes.unguarded_span().data(), bytes_.data(), page_size);
    }

private:
    alignas(64) std::array<std::byte, page_size> bytes_;
};

template <way By, class Fn>
std::uint64_t look(pool_type::file const& file, std::uint64_t no, Fn fn) {
    if constexpr (By == way::copies) {
        page_copy const page{file, no};
        return fn(page.view());
    } else {
        auto page = file.read<heap_page>(no);
        return fn(*page);
    }
}

template <way By>
std::uint64_t scan(pool_type::file const& file) {
    auto const sum_of = [](auto const& page) {
        std::uint64_t of_page = 0;
        for (auto row : page.template rows<entry>()) {
            of_page += row.template get<&entry::amount>() +
                       row.template get<&entry::name>().size();
        }
        return of_page;
    };
    std::uint64_t sum = 0;
    if constexpr (By == way::ahead) {
        for (auto& page : file.scan<heap_page>()) { sum += sum_of(*page); }
    } else {
        for (std::uint64_t no = 0; no < file.pages(); ++no) { sum += look<By>(file, no, sum_of); }
    }
    return sum;
}

template <way By>
std::uint64_t points(pool_type::file const& file, std::uint64_t count) {
    std::minstd_rand random{1};
    std::uniform_int_distribution<std::uint64_t> any{0, file.pages() * rows_a_page - 1};
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        auto const row = any(random);
        slot_id const slot{static_cast<std::uint16_t>(row % rows_a_page)};
        sum += look<By>(file, row / rows_a_page, [slot](auto const& page) {
            auto const found = page.template row<entry>(slot);
            return found.template get<&entry::amount>() +
                   found.template get<&entry::name>().size();
        });
    }
    return sum;
}

template <way By>
void insert(pool_type::file const& file, std::uint64_t rows) {
    for (std::uint64_t i = 0; i < rows; ++i) {
        if (i % rows_a_page == 0) { file.append<heap_page>().release(); }
        auto const last = file.pages() - 1;
        if constexpr (By == way::copies) {
            page_copy page{file, last};
            static_cast<void>(page.view().insert(sample).value());
            page.put_back(file, last);
        } else {
            auto page = file.write<heap_page>(last);
            static_cast<void>(page->insert(sample).value());
        }
    }
    file.flush();
}

template <class Fn>
void by_way(way by, Fn fn) {
    switch (by) {
        case way::views: return fn(std::integral_constant<way, way::views>{});
        case way::copies: return fn(std::integral_constant<way, way::copies>{});
        case way::buffered: return fn(std::integral_constant<way, way::buffered>{});
        case way::ahead: return fn(std::integral_constant<way, way::ahead>{});
    }
}

/// The cost of a workload per row.
struct cost {
    figures time;
    figures processor;
};
using costs = std::map<std::pair<std::string, way>, cost>;  // by workload

template <class Work>
void measure(cost& to, std::uint64_t rows, Work work) {
    auto const busy = processor_time();
    auto const begin = std::chrono::steady_clock::now();
    work();
    auto const end = std::chrono::steady_clock::now();
    auto const each = static_cast<double>(rows);
    to.processor.push_back((processor_time() - busy) / each);
    to.time.push_back(std::chrono::duration<double, std::nano>(end - begin).count() / each);
}

void run_set(report& to, std::filesystem::path const& scratch, std::uint64_t frames,
             std::uint64_t pages, std::string const& set, int rounds) {
    std::uint64_t const rows = pages * rows_a_page;
    bool const fits = pages <= frames;
    costs all;
    std::filesystem::create_directories(scratch);
    auto const path = scratch / "read.db";
    {
        pool_type pool{{.frames = frames}};
        auto file = pool.open(path, quire::open_mode::create_new);
        insert<way::views>(file, rows);
        file.close();
    }
    std::vector<std::unique_ptr<pool_type>> pools;
    std::vector<pool_type::file> files;
    for (auto const by : ways) {
        pools.push_back(std::make_unique<pool_type>(
            quire::pool_options<quire::direct_backend>{.frames = frames}));
        files.push_back(pools.back()->open(path, quire::open_mode::read_only, how_to_open(by)));
        if (fits) { static_cast<void>(scan<way::views>(files.back())); }
    }
    std::uint64_t const looks = fits ? rows : std::min<std::uint64_t>(rows, 20'000);
    std::uint64_t first_sum = 0;
    for (int round = 0; round < rounds; ++round) {
        for (auto const by : ways) {
            auto const& file = files[static_cast<std::size_t>(by)];
            by_way(by, [&](auto constant) {
                constexpr way this_way = constant;
                if (!fits) { empty_page_cache_of(path); }
                std::uint64_t sum = 0;
                measure(all[{"scan", by}], rows, [&] { sum = scan<this_way>(file); });
                if (this_way == way::ahead) { return; }  // the rest is as with views
                if (!fits) { empty_page_cache_of(path); }
                measure(all[{"points", by}], looks, [&] { sum += points<this_way>(file, looks); });
                if (first_sum == 0) { first_sum = sum; }
                if (sum != first_sum) { fail("the ways do not agree"); }

                auto const fresh = scratch / "inserts.db";
                std::filesystem::remove(fresh);
                pool_type pool{{.frames = frames}};
                auto to_fill = pool.open(fresh, quire::open_mode::create_new, how_to_open(by));
                measure(all[{"inserts", by}], rows, [&] { insert<this_way>(to_fill, rows); });
                to_fill.close();
            });
        }
    }
    for (std::string const workload : {"scan", "points", "inserts"}) {
        for (auto const by : ways) {
            auto const& took = all[{workload, by}];
            if (took.time.empty()) { continue; }
            std::string const name = names[static_cast<std::size_t>(by)];
            to.add(workload, set, 1, name, took.time);
            to.add(workload, set, 1, name + ", CPU", took.processor);
        }
    }
}

}  // namespace

int main(int argc, char** argv) try {
    auto const given = arguments("copy", argc, argv);
    std::uint64_t const frames = ((given.quick ? 1U : 8U) << 20) / page_size;
    int const rounds = given.quick ? 1 : 5;
    report found;
    run_set(found, given.scratch / "fits", frames, frames / 2, "0.5 x pool", rounds);
    run_set(found, given.scratch / "does_not", frames, frames * 16, "16 x pool", rounds);
    std::filesystem::remove_all(given.scratch);
    if (!given.json.empty()) { found.write(given.json); }
} catch (std::exception const& e) {
    std::fprintf(stderr, "copy: %s\n", e.what());
    return 1;
}
