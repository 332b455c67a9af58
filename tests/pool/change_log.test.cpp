// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/detail/change_log.hpp>

#include <quire/io/memory_backend.hpp>

#include "catch.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <span>
#include <string_view>
#include <vector>

using quire::page_no;
using namespace std::chrono_literals;

namespace {

using log_type = quire::redo_log<quire::memory_backend>;
using change_log = quire::detail::change_log<quire::memory_backend>;
constexpr std::size_t page_size = 1024;

/// Page 0 of a file, as a pool logs its changes: whole if its newest image is not newer than the
/// begin of the newest checkpoint, else by ranges.
struct logged_page {
    change_log& changes;
    std::uint32_t file;
    std::uint64_t imaged = 0;
    std::vector<std::byte> bytes = std::vector<std::byte>(page_size);
    std::vector<std::byte> record = {};

    /// Its LSN. `step_in()` is called when it is decided how the change is logged.
    template <class StepIn>
    std::uint64_t change(StepIn step_in) {
        std::uint64_t promised = 0;
        std::uint64_t needed = 0;
        bool whole = false;
        auto const at = changes.append(
            promised, needed,
            [&](std::uint64_t since) {
                whole = imaged <= since;
                step_in();
                return put_together(whole);
            },
            [&](std::uint64_t lsn) { imaged = whole ? lsn : imaged; });
        changes.take_back(promised, nullptr);
        return at;
    }

private:
    [[nodiscard]] std::span<std::byte const> put_together(bool whole) {
        quire::detail::record_writer writer{record};
        writer.put(quire::detail::change_tag::change);
        writer.put(std::uint32_t{1});
        if (whole) {
            writer.put_image(file, 0, bytes);
        } else {
            writer.begin_ranges(file, 0, 1);
            writer.put_range(64, std::span{bytes}.subspan(64, 8));
        }
        return writer.record();
    }
};

/// What the records of a log make of the page.
struct replayed_page {
    std::uint64_t lsn = 0;
    int images = 0;
    int ranges = 0;
    int ranges_without_image = 0;

    void file_is(quire::detail::file_record const&) {}
    void file_was_closed(std::uint32_t) {}
    void file_was_cut(std::uint32_t, std::uint64_t) {}
    void page_is(std::uint32_t, page_no, std::span<std::byte const>) { ++images; }
    void move_is(std::uint32_t, page_no, quire::detail::moved_range const&) { FAIL(); }
    void range_is(std::uint32_t, page_no, std::size_t, std::span<std::byte const>) {
        ++ranges;
        ranges_without_image += images == 0 ? 1 : 0;
    }
};

replayed_page replayed(quire::memory_backend::options const& disk) {
    quire::memory_backend::options const copy{quire::memory_store_ptr::make()};
    copy.store->assign("log", disk.store->bytes("log"));
    log_type log{"log", {.backend = copy}};
    change_log changes{log, page_size};
    replayed_page found;
    changes.replay(found);
    return found;
}

}  // namespace

// A record by ranges is of use only behind an image. Recovery begins where the checkpoint did: one
// that began after it was decided that the image before it is enough, and before the record had its
// LSN, would leave the record without.
TEST_CASE("change_log: no checkpoint begins between the choice of image or ranges and the LSN") {
    quire::memory_backend::options const disk{quire::memory_store_ptr::make()};
    log_type log{"log", {.bytes = 64 * 4096, .backend = disk}};
    change_log changes{log, page_size};
    logged_page page{changes, changes.open_file("f", 1)};
    auto const nobody = [] {};
    page.change(nobody);
    page.change(nobody);

    std::future<std::uint64_t> checkpoint;
    bool began_in_between = false;
    auto const at = page.change([&] {
        checkpoint = std::async(std::launch::async, [&] { return changes.begin_checkpoint(); });
        began_in_between = checkpoint.wait_for(100ms) == std::future_status::ready;
    });
    auto const begin = checkpoint.get();
    CHECK(!began_in_between);
    CHECK(begin >= at);
    log.sync(log.end());
    CHECK(replayed(disk).ranges == 2);

    changes.end_checkpoint(begin);  // as if the page had been written
    CHECK(replayed(disk).ranges_without_image == 0);
}

TEST_CASE("change_log: the first change behind a checkpoint's begin logs the whole page") {
    quire::memory_backend::options const disk{quire::memory_store_ptr::make()};
    log_type log{"log", {.bytes = 64 * 4096, .backend = disk}};
    change_log changes{log, page_size};
    logged_page page{changes, changes.open_file("f", 1)};
    auto const nobody = [] {};
    page.change(nobody);
    auto const begin = changes.begin_checkpoint();
    page.change(nobody);
    page.change(nobody);
    changes.end_checkpoint(begin);
    log.sync(log.end());
    auto const found = replayed(disk);
    CHECK(found.images == 1);
    CHECK(found.ranges == 1);
    CHECK(found.ranges_without_image == 0);
}
