// SPDX-License-Identifier: BSL-1.0

/// miss: reads eight bytes of a page that is on the device; also the processor time of that.
///
/// A file of 4 GiB and pools of 256 MiB. Every system reads the pages in one common random order,
/// each page once before any is read again, and continues in each slice where it stopped: so every
/// read is a miss, and nearly every miss evicts. Each page is checked to be the right one. In a
/// round every system, with 1, 2 and 8 threads, has a second, in ten slices. Pages per second, and
/// processor time per page. The limits are a loop of direct preads, and one that keeps 64 reads per
/// thread in flight by io_uring. `checked` ones read to as many places as the pool has frames and
/// check the seals: a pool with quire's promises costs at least that. Over
/// uring_backend, `quire, stream` reads the same order by file.read_stream, and `quire, tasks` by
/// 64 tasks of each thread, one page each; `quire, io_uring` waits for each page.
///
/// Then without a device, over quire::memory_backend, compared with a copy of the page.
///
/// Usage: miss [--quick] [--json FILE] [--scratch DIRECTORY]

#include "arguments.hpp"
#include "device/peers.hpp"
#include "device/slices.hpp"
#include "report.hpp"

#if defined(QUIRE_BENCH_URING)
#include "device/ring.hpp"

#include <quire/io/uring_backend.hpp>
#include <quire/pool/task_loop.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>
#endif

namespace {

using namespace quire_bench;
using results = std::vector<slices::result>;

struct sizes {
    std::uint32_t pages;
    std::size_t frames;
    int rounds;
    std::chrono::milliseconds slice;  // ten of these per round
};
constexpr sizes full{1U << 20, 1U << 16, 5, std::chrono::milliseconds{100}};
constexpr sizes quick{1U << 14, 1U << 10, 3, std::chrono::milliseconds{2}};

/// A thread's slice with a reader of its own.
template <class System>
std::uint64_t read_until(System& system, page_order& order, slice_end end) {
    typename System::reader reader{system};
    std::uint64_t count = 0;
    while (slice_clock::now() < end) {
        for (auto const no : order.take()) { expect_value(no, reader.read(no)); }
        count += page_order::few;
    }
    return count;
}

#if defined(QUIRE_BENCH_URING)
std::uint64_t read_in_flight_until(int fd, page_order& order, slice_end end) {
    ring transfers;
    std::array<std::uint32_t, ring::depth> in_slot{};
    std::span<std::uint32_t const> few;
    std::uint64_t count = 0;
    transfers.run(
        [&](unsigned slot, ::io_uring_sqe* sqe) {
            if (few.empty()) {
                if (slice_clock::now() >= end) { return false; }
                few = order.take();
            }
            in_slot[slot] = few.front();
            few = few.subspan(1);
            ::io_uring_prep_read(sqe, fd, transfers.page(slot), page_size,
                                 static_cast<std::uint64_t>(offset_of(in_slot[slot])));
            return true;
        },
        [&](unsigned slot) {
            expect_value(in_slot[slot], value_in(transfers.page(slot)));
            ++count;
        });
    return count;
}
#endif

/// pread to as many places as a pool has frames, in turn, with the seal checked. One thread.
class checked_reads {
public:
    checked_reads(std::filesystem::path const& path, std::size_t frames)
        : file_{path, O_RDONLY | O_DIRECT}, frames_{frames, page_size, quire::huge_pages::on} {
        quire::unpoison(frames_.bytes());
        std::memset(frames_.bytes().data(), 1, frames_.bytes().size());
    }
    class reader {
    public:
        explicit reader(checked_reads& of) : of_{of} {}
        [[nodiscard]] std::uint64_t read(std::uint64_t no) {
            auto const frame = of_.next_frame();
            read_pages(of_.file_.get(), frame.data(), no);
            expect_sealed(frame, no);
            return value_in(frame.data());
        }

    private:
        checked_reads& of_;
    };

    /// Not the neighbour of the one before.
    [[nodiscard]] std::span<std::byte> next_frame() noexcept {
        next_ = (next_ + 7919 * page_size) % frames_.bytes().size();
        return frames_.bytes().subspan(next_, page_size);
    }
    [[nodiscard]] int descriptor() const noexcept { return file_.get(); }

private:
    raw_file file_;
    quire::arena frames_;
    std::size_t next_ = 0;
};

#if defined(QUIRE_BENCH_URING)
/// The same with many in flight.
std::uint64_t check_in_flight_until(checked_reads& to, page_order& order, slice_end end) {
    ring transfers;
    struct place {
        std::uint32_t no;
        std::span<std::byte> frame;
    };
    std::array<place, ring::depth> in_slot{};
    std::span<std::uint32_t const> few;
    std::uint64_t count = 0;
    transfers.run(
        [&](unsigned slot, ::io_uring_sqe* sqe) {
            if (few.empty()) {
                if (slice_clock::now() >= end) { return false; }
                few = order.take();
            }
            in_slot[slot] = {few.front(), to.next_frame()};
            few = few.subspan(1);
            ::io_uring_prep_read(sqe, to.descriptor(), in_slot[slot].frame.data(), page_size,
                                 static_cast<std::uint64_t>(offset_of(in_slot[slot].no)));
            return true;
        },
        [&](unsigned slot) {
            auto const& [no, frame] = in_slot[slot];
            expect_sealed(frame, no);
            expect_value(no, value_in(frame.data()));
            ++count;
        });
    return count;
}

/// By file.read_stream.
template <class Pool>
std::uint64_t stream_until(Pool& pool, page_order& order, slice_end end) {
    std::span<std::uint32_t const> few;
    std::uint64_t count = 0;
    auto pages = pool.file().read_stream([&]() -> std::optional<quire::page_no> {
        if (few.empty()) {
            if (slice_clock::now() >= end) { return std::nullopt; }
            few = order.take();
        }
        auto const no = few.front();
        few = few.subspan(1);
        return quire::page_no{no};
    });
    while (auto* const page = pages.next()) {
        expect_value(page->page_no().value(),
                     (*page)->bytes().template load<std::uint64_t>(value_at));
        ++count;
    }
    return count;
}
/// By tasks.
template <class File>
quire::task<> read_in_turn(File file, quire::page_no no, std::uint64_t& count) {
    auto const page = co_await file.async_read(no);
    expect_value(no.value(), page->bytes().template load<std::uint64_t>(value_at));
    ++count;
}
template <class Reads>
std::uint64_t tasks_until(Reads& pool, page_order& order, slice_end end) {
    std::uint64_t count = 0;
    quire::task_loop loop{pool.pool(), {.in_flight = 64}};
    while (slice_clock::now() < end) {
        for (auto const no : order.take()) { loop.spawn(read_in_turn(pool.file(), no, count)); }
    }
    loop.run();
    return count;
}
#endif

/// Each system with each number of threads, and its own position in the order.
class field {
public:
    field(slices& to, std::vector<std::uint32_t> const& order) : to_{to}, order_{order} {}

    template <class Work>
    void add_work(std::string const& name, Work work, std::function<void()> const& before = {}) {
        auto const mine = std::make_shared<page_order>(order_);
        for (unsigned threads : {1U, 2U, 8U}) {
            to_.add(name, threads, [=](slice_end end) { return work(*mine, end); }, before);
        }
    }
    template <class System>
    void add(std::string const& name, System& system, std::function<void()> const& before = {}) {
        add_work(
            name,
            [&system](page_order& mine, slice_end end) { return read_until(system, mine, end); },
            before);
    }

private:
    slices& to_;
    std::vector<std::uint32_t> const& order_;
};

void show(report& to, std::string const& workload, std::string const& set, results const& all) {
    for (auto const& one : all) {
        to.add(workload, set, one.threads, one.system, one.rate, "pages/s");
    }
    for (auto const& one : all) {
        to.add(workload, set, one.threads, one.system + ", CPU", one.processor);
    }
}

void from_device(report& to, std::filesystem::path const& scratch, sizes const& is) {
    expect_room(scratch, is.pages, 3);
    auto const path = scratch / "pages";
    make_page_file(path, is.pages);
    auto const order = shuffled_pages(is.pages);
    slices all;
    field systems{all, order};

    plain_reads direct{path, O_DIRECT};
    systems.add("pread, direct", direct);
#if defined(QUIRE_BENCH_URING)
    raw_file const ring_file{path, O_RDONLY | O_DIRECT};
    if (ring::permitted()) {
        systems.add_work("io_uring, 64", [&](page_order& mine, slice_end end) {
            return read_in_flight_until(ring_file.get(), mine, end);
        });
    }
#endif
    checked_reads checked{path, is.frames};
    page_order order_of_checked{order};
    all.add("pread, checked", 1,
            [&](slice_end end) { return read_until(checked, order_of_checked, end); });
    pool_reads pool{path, is.frames};
    systems.add("quire", pool);
#if defined(QUIRE_BENCH_URING)
    std::unique_ptr<pool_reads_over<quire::uring_backend>> by_ring;
    std::unique_ptr<pool_reads_over<quire::uring_backend>> by_tasks;
    std::unique_ptr<pool_reads_over<quire::uring_backend>> one_by_one;
    checked_reads checked_by_ring{path, is.frames};
    page_order order_of_ring{order};
    if (ring::permitted()) {
        all.add("io_uring, 64, checked", 1, [&](slice_end end) {
            return check_in_flight_until(checked_by_ring, order_of_ring, end);
        });
        by_ring = std::make_unique<pool_reads_over<quire::uring_backend>>(path, is.frames);
        systems.add_work("quire, stream", [&](page_order& mine, slice_end end) {
            return stream_until(*by_ring, mine, end);
        });
        by_tasks = std::make_unique<pool_reads_over<quire::uring_backend>>(path, is.frames);
        one_by_one = std::make_unique<pool_reads_over<quire::uring_backend>>(path, is.frames);
        systems.add("quire, io_uring", *one_by_one);
        systems.add_work("quire, tasks", [&](page_order& mine, slice_end end) {
            return tasks_until(*by_tasks, mine, end);
        });
    }
#endif
    mapped_reads mapped{path, reads::random};
    auto const forget = [&] { mapped.forget(); };
#if defined(QUIRE_BENCH_BERKELEY_DB)
    berkeley_db_reads berkeley{path, is.frames};
    systems.add("Berkeley DB", berkeley, forget);
#endif
#if defined(QUIRE_BENCH_LMDB)
    lmdb_file::make(scratch / "lmdb", is.pages);
    lmdb_reads lmdb{scratch / "lmdb", is.pages, reads::random};
    systems.add("LMDB", lmdb);  // its inner pages stay
#endif
#if defined(QUIRE_BENCH_ROCKSDB)
    std::filesystem::create_directories(scratch / "rocksdb");
    rocksdb_reads rocksdb{scratch / "rocksdb", is.pages, is.frames};
    systems.add("RocksDB", rocksdb);
#endif
    systems.add("mmap", mapped, forget);
    plain_reads buffered{path, 0};
    systems.add("pread, buffered", buffered, forget);

    auto const found = all.run(is.rounds, 10, is.slice);
    expect_from_device(found);
    auto const stats = pool.file().stats();
    if (stats.evictions == 0 || stats.hits * 100 > stats.misses) {
        fail("reads that should have missed were hits, or nothing was evicted");
    }
    show(to, "miss", "4 KiB", found);
    auto const& quire = of(found, "quire", 1);
    auto const& limit = of(found, "pread, direct", 1);
    to.at_least("miss, quire / pread, 1 thread", median(ratios(quire.rate, limit.rate)), 0.95);
    to.at_least("miss, quire, 8 threads / 2 threads",
                median(ratios(of(found, "quire", 8).rate, of(found, "quire", 2).rate)), 1.0);
    to.at_most("miss, CPU of quire - pread, us",
               median(differences(quire.processor, limit.processor)) / 1000, 1.5);
#if defined(QUIRE_BENCH_URING)
    if (by_ring == nullptr) { return; }
    auto const& stream = of(found, "quire, stream", 1);
    auto const& in_flight = of(found, "io_uring, 64, checked", 1);
    to.at_least("miss, stream of quire / io_uring, 64, checked, 1 thread",
                median(ratios(stream.rate, in_flight.rate)), 0.95);
    to.at_most("miss, CPU of a stream - io_uring, checked, us",
               median(differences(stream.processor, in_flight.processor)) / 1000, 1.5);
    to.at_least("miss, stream of quire / io_uring, 64, 2 threads",
                median(ratios(of(found, "quire, stream", 2).rate,
                              of(found, "io_uring, 64", 2).rate)),
                0.95);
    to.at_least("miss, quire over io_uring / pread, 1 thread",
                median(ratios(of(found, "quire, io_uring", 1).rate, limit.rate)), 0.95);
    auto const& tasks = of(found, "quire, tasks", 1);
    to.at_least("miss, tasks of quire / io_uring, 64, checked, 1 thread",
                median(ratios(tasks.rate, in_flight.rate)), 0.95);
    to.at_most("miss, CPU of tasks - io_uring, checked, us",
               median(differences(tasks.processor, in_flight.processor)) / 1000, 1.5);
    to.at_least("miss, tasks of quire / io_uring, 64, 2 threads",
                median(ratios(of(found, "quire, tasks", 2).rate,
                              of(found, "io_uring, 64", 2).rate)),
                0.95);
    to.at_least(
        "miss, tasks of quire, 8 threads / 2 threads",
        median(ratios(of(found, "quire, tasks", 8).rate, of(found, "quire, tasks", 2).rate)), 1.0);
#endif
}

/// One page after the other copied out of memory, to as many places as a pool has frames.
class copied_pages {
public:
    copied_pages(std::vector<std::byte> const& pages, std::size_t frames)
        : from_{pages.data()}, frames_{frames} {}
    class reader {
    public:
        explicit reader(copied_pages& of) : of_{of} {}
        [[nodiscard]] std::uint64_t read(std::uint64_t no) noexcept {
            auto* const frame = of_.frames_.page(next_++ % of_.frames_.pages());
            std::memcpy(frame, of_.from_ + no * page_size, page_size);
            asm volatile("" : : "r"(frame) : "memory");
            return value_in(frame);
        }

    private:
        copied_pages& of_;
        std::size_t next_ = 0;
    };

private:
    std::byte const* from_;
    page_buffer frames_;
};

template <class Pool>
struct memory_reads {
    typename Pool::file file;
    class reader {
    public:
        explicit reader(memory_reads& of) : file_{of.file} {}
        [[nodiscard]] std::uint64_t read(std::uint64_t no) {
            auto page = file_.read(no);
            return page->bytes().template load<std::uint64_t>(value_at);
        }

    private:
        typename Pool::file file_;
    };
};

void from_memory(report& to, sizes const& is) {
    std::uint32_t const pages = is.pages / 16;
    std::vector<std::byte> bytes(std::size_t{pages} * page_size);
    for (std::uint32_t no = 0; no < pages; ++no) {
        std::span const page{bytes.data() + std::size_t{no} * page_size, page_size};
        set_value(page.data(), first_value(no));
        quire::crc_seal.seal(page, quire::page_id{quire::file_no{0}, no}, 0);
    }
    auto const store = std::make_shared<quire::memory_store>();
    store->assign("pages", bytes);

    using pool_type = quire::buffer_pool<page_size, quire::s3_fifo, quire::hybrid_latch,
                                         quire::memory_backend>;
    pool_type pool{{.frames = is.frames / 16, .backend = {store}}};
    memory_reads<pool_type> sealed{pool.open("pages", quire::open_mode::read_only)};
    pool_type other_pool{{.frames = is.frames / 16, .backend = {store}}};
    memory_reads<pool_type> unsealed{other_pool.open("pages", quire::open_mode::read_only,
                                                     {.seal = quire::no_seal})};
    copied_pages copies{bytes, is.frames / 16};

    auto const order = shuffled_pages(pages);
    std::array<page_order, 3> orders{page_order{order}, page_order{order}, page_order{order}};
    slices all;
    all.add("memcpy", 1, [&](slice_end end) { return read_until(copies, orders[0], end); });
    all.add("quire", 1, [&](slice_end end) { return read_until(sealed, orders[1], end); });
    all.add("quire, no seal", 1,
            [&](slice_end end) { return read_until(unsealed, orders[2], end); });
    auto const found = all.run(is.rounds, 10, std::chrono::nanoseconds{is.slice} / 4);
    show(to, "miss", "memory", found);
    to.at_most("miss, CPU of quire - memcpy, over memory, us",
               median(differences(of(found, "quire", 1).processor,
                                  of(found, "memcpy", 1).processor)) /
                   1000,
               1.5);
}

}  // namespace

int main(int argc, char** argv) try {
    auto const given = arguments("miss", argc, argv);
    auto const& is = given.quick ? quick : full;
    report found;
    scratch_folder const scratch{given.scratch};
    from_device(found, scratch.path(), is);
    from_memory(found, is);
    if (!given.json.empty()) { found.write(given.json); }
    found.print_targets();
} catch (std::exception const& e) {
    std::fprintf(stderr, "miss: %s\n", e.what());
    return 1;
}
