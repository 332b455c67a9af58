// SPDX-License-Identifier: BSL-1.0

/// memory: bytes in addition to the frames, and what a miss allocates.
///
/// Counted, for a pool of 65,536 frames over a file: the bytes requested from operator new when the
/// pool is made (headers, the policy, free frames), when a file is opened, and during misses.
/// Measured, as resident memory of the process: the cost of a look-up in each chunk of the page
/// table of a sparse file; and what quire, RocksDB's cache and Berkeley DB hold in addition to the
/// pages themselves when as many pages are resident. Nothing here is timed.
///
/// Usage: memory [--quick] [--json FILE] [--scratch DIRECTORY]

#include "arguments.hpp"
#include "device/peers.hpp"
#include "report.hpp"
#include "systems/pool.hpp"

#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include <malloc.h>  // mallopt

namespace {

std::atomic<std::size_t> calls{0};
std::atomic<std::size_t> bytes_asked_for{0};

void* counted(std::size_t size, std::size_t alignment) {
    calls.fetch_add(1, std::memory_order_relaxed);
    bytes_asked_for.fetch_add(size, std::memory_order_relaxed);
    auto const rounded = (std::max<std::size_t>(size, 1) + alignment - 1) / alignment * alignment;
    if (void* const at = std::aligned_alloc(alignment, rounded)) { return at; }
    throw std::bad_alloc{};
}

}  // namespace

void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }
void operator delete(void* at, std::align_val_t) noexcept { std::free(at); }
void operator delete(void* at, std::size_t, std::align_val_t) noexcept { std::free(at); }

namespace {

using namespace quire_bench;
using pool_type = quire::buffer_pool<page_size>;

/// Resident memory of this process, in bytes.
double resident_memory() {
    std::ifstream from{"/proc/self/statm"};
    double total = 0;
    double resident = 0;
    from >> total >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double since(std::size_t before) { return static_cast<double>(bytes_asked_for - before); }

/// Headers and policy, by the bytes requested.
void count_pool(report& to, std::filesystem::path const& hole, std::size_t frames) {
    auto const each = static_cast<double>(frames);
    using header = quire::frame_header<quire::hybrid_latch, quire::s3_fifo::frame_state>;
    std::vector<header> headers(frames);
    auto before = bytes_asked_for.load();
    { quire::s3_fifo const policy{quire::frame_states{std::span{headers}, &header::policy_state}}; }
    auto const policy = since(before) / each;

    before = bytes_asked_for;
    pool_type pool{{.frames = frames}};
    auto const made = since(before) / each;
    before = bytes_asked_for;
    auto const file = pool.open(hole, quire::open_mode::read_only, {.seal = quire::no_seal});
    auto const opened = since(before);

    auto const calls_before = calls.load();
    for (std::uint64_t no = 0; no < 2 * frames; ++no) { auto const page = file.read(no); }
    auto const misses = static_cast<double>(pool.stats().misses);
    if (misses < 2 * each) { fail("reads that should have missed were hits"); }
    auto const allocations = static_cast<double>(calls - calls_before) / misses;

    to.add("memory", "a frame", 1, "header", {sizeof(header)}, "bytes");
    to.add("memory", "a frame", 1, "s3_fifo", {policy}, "bytes");
    to.add("memory", "a frame", 1, "pool, in all", {made}, "bytes");
    to.add("memory", "a file", 1, "opened", {opened}, "bytes");
    to.add("memory", "a miss", 1, "allocations", {allocations}, "calls");
    to.at_most("memory, header of a frame, bytes", sizeof(header), 64);
    to.at_most("memory, allocations of a miss", allocations, 0);
}

/// One page of each chunk of 1024 is read.
void measure_page_table(report& to, std::filesystem::path const& hole, std::size_t chunks) {
    constexpr std::size_t frames = 256;
    constexpr std::uint64_t chunk = 1024;
    pool_type pool{{.frames = frames}};
    auto const file = pool.open(hole, quire::open_mode::read_only, {.seal = quire::no_seal});
    for (std::uint64_t no = 0; no < 2 * frames; ++no) { auto const page = file.read(no); }
    auto const before = resident_memory();
    for (std::uint64_t i = 1; i <= chunks; ++i) { auto const page = file.read(i * chunk); }
    auto const each = (resident_memory() - before) / static_cast<double>(chunks * chunk);
    to.add("memory", "page table", 1, "a page", {each}, "bytes");
    to.at_most("memory, page table, bytes a page", each, 4.1);  // 4, and a little other memory
}

/// The bytes in addition to `pages` pages resident in the system that `make` returns.
template <class Make>
void measure_beside(report& to, std::string const& name, std::uint32_t pages, Make make) {
    ::malloc_trim(0);
    auto const before = resident_memory();
    auto const system = make();
    auto const more = resident_memory() - before;
    auto const each = more / static_cast<double>(pages) - static_cast<double>(page_size);
    to.add("memory", "a page, RSS", 1, name, {each}, "bytes");
}

}  // namespace

int main(int argc, char** argv) try {
    auto const given = arguments("memory", argc, argv);
    ::mallopt(M_MMAP_THRESHOLD, 1 << 16);  // large blocks are returned to the system when freed
    std::uint32_t const frames = given.quick ? 1U << 12 : 1U << 16;
    std::size_t const chunks = given.quick ? 1U << 10 : 1U << 13;
    report found;
    scratch_folder const scratch{given.scratch};
    auto const hole = filled_pool::hole(scratch.path() / "hole", std::uint64_t{chunks + 1} * 1024);
    count_pool(found, hole, frames);
    measure_page_table(found, hole, chunks);

    auto const path = scratch.path() / "pages";
    expect_room(scratch.path(), frames, 1);
    make_page_file(path, frames);
    auto const read_all = [&](auto& system) {
        typename std::remove_reference_t<decltype(system)>::reader reader{system};
        for (std::uint32_t no = 0; no < frames; ++no) { expect_value(no, reader.read(no)); }
    };
    measure_beside(found, "quire", frames, [&] {
        auto made = std::make_unique<pool_reads>(path, frames);
        read_all(*made);
        return made;
    });
#if defined(QUIRE_BENCH_ROCKSDB)
    measure_beside(found, "RocksDB cache", frames, [&] {
        ::rocksdb::HyperClockCacheOptions const options{std::size_t{frames} * page_size / 8 * 9,
                                                        page_size};
        auto cache = options.MakeSharedCache();
        for (std::uint32_t no = 0; no < frames; ++no) {
            std::array<char, 16> key{};
            std::memcpy(key.data(), &no, sizeof no);
            auto* const page = new std::byte[page_size];
            std::memset(page, 1, page_size);
            auto const stored = cache->Insert(
                {key.data(), key.size()}, page, page_size,
                [](::rocksdb::Slice const&, void* at) { delete[] static_cast<std::byte*>(at); });
            if (!stored.ok()) { fail("Insert: " + stored.ToString()); }
        }
        if (cache->GetUsage() < std::size_t{frames} * page_size) { fail("pages were evicted"); }
        return cache;
    });
#endif
#if defined(QUIRE_BENCH_BERKELEY_DB)
    measure_beside(found, "Berkeley DB", frames, [&] {
        auto made = std::make_unique<berkeley_db_reads>(path, std::size_t{frames} / 2 * 3);
        read_all(*made);
        return made;
    });
#endif
    if (!given.json.empty()) { found.write(given.json); }
    found.print_targets();
} catch (std::exception const& e) {
    std::fprintf(stderr, "memory: %s\n", e.what());
    return 1;
}
