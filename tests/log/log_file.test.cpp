// SPDX-License-Identifier: BSL-1.0

#include <quire/log/detail/log_file.hpp>

#include <quire/io/memory_backend.hpp>
#include <quire/log/redo_log.hpp>

#include "catch.hpp"
#include "random.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace {

using memory_log = quire::redo_log<quire::memory_backend>;
using file_bytes = std::vector<std::byte>;
using quire::detail::log_block;
using quire::detail::log_sector_size;
constexpr std::uint64_t smallest = 18 * log_block;

/// A log, the records that were synced, and from which one on recovery finds them.
struct synced_log {
    quire::memory_backend::options disk{quire::memory_store_ptr::make()};
    std::optional<memory_log> log;
    std::vector<std::string> records;
    std::vector<std::uint64_t> lsns;
    std::size_t begin = 0;

    synced_log() { open(); }
    void open() {
        log.emplace("l", quire::redo_log_options<quire::memory_backend>{.bytes = smallest,
                                                                        .backend = disk});
    }
    void add() {
        records.push_back("record " + std::to_string(records.size()));
        auto const& text = records.back();
        lsns.push_back(log->append(std::as_bytes(std::span{text.data(), text.size()})));
        log->sync(lsns.back());
    }
    void begin_after(std::size_t record) {
        log->begin_after(lsns.at(record));
        begin = record + 1;
    }
    [[nodiscard]] file_bytes bytes() const { return disk.store->bytes("l"); }
    [[nodiscard]] std::vector<std::string> from(std::size_t first) const {
        return {records.begin() + static_cast<std::ptrdiff_t>(first), records.end()};
    }
};

std::vector<std::string> found_in(file_bytes const& bytes) {
    quire::memory_backend::options const disk{quire::memory_store_ptr::make()};
    disk.store->assign("l", bytes);
    memory_log log{"l", {.backend = disk}};
    std::vector<std::string> found;
    log.replay([&](std::uint64_t, std::span<std::byte const> record) {
        found.emplace_back(reinterpret_cast<char const*>(record.data()), record.size());
    });
    return found;
}

/// The headers that are not the same in both.
std::vector<std::size_t> headers_written(file_bytes const& before, file_bytes const& after) {
    std::vector<std::size_t> written;
    for (std::size_t header = 0; header < 2; ++header) {
        auto const at = static_cast<std::ptrdiff_t>(header * log_block);
        if (!std::equal(before.begin() + at, before.begin() + at + log_block,
                        after.begin() + at)) {
            written.push_back(header);
        }
    }
    return written;
}

/// `after`, except that the sector of a header is as a failing device may leave it.
std::vector<file_bytes> with_header_destroyed(std::size_t header, file_bytes const& before,
                                              file_bytes const& after) {
    auto const at = static_cast<std::ptrdiff_t>(header * log_block);
    std::vector<file_bytes> all(3, after);
    std::fill_n(all[0].begin() + at, log_sector_size, std::byte{});
    quire_test::generator random{7};
    random.fill(std::span{all[1]}.subspan(header * log_block, log_sector_size));
    std::copy_n(before.begin() + at, 40, all[2].begin() + at);  // torn: a header has 52 bytes
    return all;
}

}  // namespace

TEST_CASE("log_file: a header is written over the older one, and the other is as good as it was") {
    synced_log one;
    std::optional<std::size_t> last;
    std::array<int, 2> times{};
    for (std::size_t round = 0; round < 12; ++round) {
        one.add();
        one.add();
        auto const before = one.bytes();
        auto const begin = one.begin;
        if (round % 3 == 2) {
            one.log.reset();
            one.open();  // writes one, too: the epoch is another
        } else {
            one.begin_after(one.begin + round % 2);
        }
        auto const after = one.bytes();
        REQUIRE(found_in(after) == one.from(one.begin));

        auto const written = headers_written(before, after);
        REQUIRE(written.size() == 1);
        CHECK(written.front() != last);
        last = written.front();
        ++times[*last];
        for (auto const& bytes : with_header_destroyed(*last, before, after)) {
            CHECK(found_in(bytes) == one.from(begin));
        }
    }
    CHECK(times == std::array{6, 6});
}
