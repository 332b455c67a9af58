// SPDX-License-Identifier: BSL-1.0

/// flush: the dirty pages of a pool written to the device, and made durable.
///
/// A pool of 256 MiB over a file of 4 GiB, all of its frames full. Before each flush some of the
/// pages are changed in the pool:
///
///     all, scattered     every frame; the pages lie anywhere in the file
///     tenth, scattered   a tenth of them
///     all, dense         every frame; the pages are neighbours, in another pool
///     one                one page
///
/// The limit writes as many pages at the same places of another file, in random order, with 64 of
/// them in flight by io_uring; `pwrite` writes them one after the other in the file's order. Both
/// write directly, and end with fdatasync, as a flush does. Only quire seals its pages; it does so
/// over direct_backend, and over uring_backend. Pages per second; after each turn some of the
/// pages are read back from the device.
///
/// Usage: flush [--quick] [--json FILE] [--scratch DIRECTORY]

#include "arguments.hpp"
#include "device/readers.hpp"
#include "device/slices.hpp"
#include "report.hpp"

#if defined(QUIRE_BENCH_URING)
#include "device/ring.hpp"

#include <quire/io/uring_backend.hpp>

#include <algorithm>
#include <memory>
#include <vector>
#endif

namespace {

using namespace quire_bench;
using numbers = std::vector<std::uint32_t>;

/// One way to write the pages of a turn to the device, with `added` to their first value.
class way {
public:
    way() = default;
    way(way const&) = delete;
    way& operator=(way const&) = delete;
    virtual ~way() = default;
    /// Not timed, before `write` and after it.
    virtual void change(numbers const&, std::uint64_t) {}
    virtual void check(numbers const&) {}
    virtual void write(numbers const& pages, std::uint64_t added) = 0;
};

/// The pages' frames are made by the first change, and stay.
template <class Backend>
class by_quire final : public way {
public:
    by_quire(std::filesystem::path const& path, std::size_t frames)
        : pool_{{.frames = frames}},
          file_{pool_.open(path, quire::open_mode::read_write, {.dirty_pages_max = 2 * frames})} {
        if (file_.mode() != quire::io_mode::direct) { fail("quire does not write directly"); }
    }
    void change(numbers const& pages, std::uint64_t added) override {
        for (auto const no : pages) {
            auto page = made_ ? file_.write(no) : file_.format(no);
            page->bytes().store(value_at, first_value(no) + added);
        }
        made_ = true;
        if (count_dirty() != pages.size()) { fail("not all pages that were changed are dirty"); }
        written_before_ = file_.stats().write_backs;
    }
    void write(numbers const&, std::uint64_t) override { file_.flush(); }
    void check(numbers const& pages) override {
        if (file_.stats().write_backs - written_before_ != pages.size()) {
            fail("pages not flushed");
        }
    }

private:
    [[nodiscard]] std::size_t count_dirty() const {
        std::size_t count = 0;
        file_.for_each_dirty([&](quire::page_id, std::uint64_t) { ++count; });
        return count;
    }

    using pool_type =
        quire::buffer_pool<page_size, quire::s3_fifo, quire::hybrid_latch, Backend>;

    pool_type pool_;
    typename pool_type::file file_;
    bool made_ = false;
    std::uint64_t written_before_ = 0;
};

class by_pwrite final : public way {
public:
    explicit by_pwrite(std::filesystem::path const& path) : file_{path, O_RDWR | O_DIRECT} {}
    void write(numbers const& pages, std::uint64_t added) override {
        auto sorted = pages;
        std::sort(sorted.begin(), sorted.end());
        for (auto const no : sorted) {
            set_value(page_.page(), first_value(no) + added);
            write_pages(file_.get(), page_.page(), no);
        }
        sync_data(file_.get());
    }

private:
    raw_file file_;
    page_buffer page_;
};

#if defined(QUIRE_BENCH_URING)
class by_ring final : public way {
public:
    explicit by_ring(std::filesystem::path const& path) : file_{path, O_RDWR | O_DIRECT} {}
    void write(numbers const& pages, std::uint64_t added) override {
        std::size_t next = 0;
        ring_.run(
            [&](unsigned slot, ::io_uring_sqe* sqe) {
                if (next == pages.size()) { return false; }
                auto const no = pages[next++];
                set_value(ring_.page(slot), first_value(no) + added);
                ::io_uring_prep_write(sqe, file_.get(), ring_.page(slot), page_size,
                                      static_cast<std::uint64_t>(offset_of(no)));
                return true;
            },
            [](unsigned) {});
        sync_data(file_.get());
    }

private:
    raw_file file_;
    ring ring_;
};
#endif

struct turn {
    std::string name;
    std::filesystem::path path;
    std::unique_ptr<way> by;
    figures rate{};
    figures processor{};
};

/// Checks every hundredth of `pages`, read from the device.
void expect_written(turn const& one, numbers const& pages, std::uint64_t added) {
    raw_file const file{one.path, O_RDONLY | O_DIRECT};
    page_buffer const page;
    for (std::size_t i = 0; i < pages.size(); i += 100) {
        read_pages(file.get(), page.page(), pages[i]);
        expect_value(pages[i], value_in(page.page()), added);
        if (one.name.starts_with("quire") &&
            quire::crc_seal.check({page.page(), page_size},
                                  quire::page_id{quire::file_no{0}, pages[i]}, 0) !=
                quire::page_state::good) {
            fail("a page was written without its seal");
        }
    }
}

/// `pages` are those with a frame, of which `changed` are written each time.
void run(report& to, std::string const& set, std::filesystem::path const& at,
         numbers const& pages, std::size_t changed, int rounds, double limit) {
    auto const ours = at / "ours";
    auto const theirs = at / "theirs";
    std::vector<turn> turns;
    turns.push_back(
        {"quire", ours, std::make_unique<by_quire<quire::direct_backend>>(ours, pages.size())});
#if defined(QUIRE_BENCH_URING)
    if (ring::permitted()) {
        turns.push_back(
            {"quire, io_uring", at / "ours too",
             std::make_unique<by_quire<quire::uring_backend>>(at / "ours too", pages.size())});
        turns.push_back({"io_uring, 64", theirs, std::make_unique<by_ring>(theirs)});
    }
#endif
    turns.push_back({"pwrite, direct", theirs, std::make_unique<by_pwrite>(theirs)});
    std::mt19937 random{2};
    for (int round = -1; round < rounds; ++round) {  // the first one makes the frames
        auto some = pages;
        std::shuffle(some.begin(), some.end(), random);
        if (round >= 0) { some.resize(changed); }
        auto const added = static_cast<std::uint64_t>(round + 2);
        for (auto& one : turns) {
            one.by->change(some, added);
            auto const did = do_together(1, [&](unsigned) {
                one.by->write(some, added);
                return some.size();
            });
            one.by->check(some);
            expect_written(one, some, added);
            if (round < 0) { continue; }
            one.rate.push_back(did.operations / did.seconds);
            one.processor.push_back(did.processor / did.operations);
        }
    }
    for (auto const& one : turns) { to.add("flush", set, 1, one.name, one.rate, "pages/s"); }
    for (auto const& one : turns) { to.add("flush", set, 1, one.name + ", CPU", one.processor); }
    if (changed == 1) {
        for (auto const& one : turns) {
            if (!one.name.starts_with("quire")) { continue; }
            to.at_least("flush, " + set + ", " + one.name + " / pwrite",
                        median(ratios(one.rate, turns.back().rate)), limit);
        }
    } else if (turns.size() == 4) {
        to.at_least("flush, " + set + ", quire / io_uring",
                    median(ratios(turns[0].rate, turns[2].rate)), limit);
        to.at_least("flush, " + set + ", quire over io_uring / io_uring",
                    median(ratios(turns[1].rate, turns[2].rate)), limit);
    }
}

}  // namespace

int main(int argc, char** argv) try {
    auto const given = arguments("flush", argc, argv);
    std::uint32_t const frames = given.quick ? 1U << 10 : 1U << 16;
    std::uint32_t const pages = 16 * frames;
    int const rounds = given.quick ? 3 : 5;
    report found;
    scratch_folder const scratch{given.scratch};
    auto const& at = scratch.path();
    expect_room(at, pages, 3);
    for (auto const* const name : {"ours", "ours too", "theirs"}) {
        make_page_file(at / name, pages);
    }
    auto scattered = shuffled_pages(pages);
    scattered.resize(frames);
    run(found, "all, scattered", at, scattered, frames, rounds, 1.0);
    run(found, "tenth, scattered", at, scattered, frames / 10, rounds, 1.0);
    run(found, "all, dense", at, all_pages(frames), frames, rounds, 2.0);
    run(found, "one", at, scattered, 1, 8 * rounds + 1, 0.83);
    if (!given.json.empty()) { found.write(given.json); }
    found.print_targets();
} catch (std::exception const& e) {
    std::fprintf(stderr, "flush: %s\n", e.what());
    return 1;
}
