// SPDX-License-Identifier: BSL-1.0

/// update: changes eight bytes of a page, many times, and then makes all of it durable.
///
/// A file of 4 GiB and a pool of 256 MiB. 130,000 updates add one to the value of a page, drawn by
/// zipf with exponent 0.99 over all pages in random order; then everything is made durable. Both
/// are timed. Each turn begins with nothing in memory, so that the page cache, which has no limit
/// here, does not hold more than the pool. Every system does the same updates in a round:
///
///     quire              a write guard for each update, then flush
///     ... a quarter      quire with a quarter of the pool, which must evict pages
///     ... and a writer   that, with a background_writer
///     ... tasks          a task for each update, 64 at once in each thread, over uring_backend
///     io_uring, 64       as many reads, and as many writes, of pages of the same draws, as the
///                        tasks of this round took: 64 in flight, no order among them, no changes
///     pread, pwrite      of the whole page, directly; nothing is kept, so a tenth of the updates
///     ... buffered       of the eight bytes, through the page cache, then fdatasync
///     mmap               an addition in the mapping, then msync
///     LMDB               a transaction for each update, without a sync, then one sync
///
/// Not Berkeley DB: its public `get` drops the flag that makes a page dirty. Updates per second,
/// and bytes written per update: as the pool counts them for quire, and as the system counts them
/// for all (/proc/self/io: direct writes, and pages of the page cache that became dirty). After
/// each turn some pages are read back from the device, and must have as many additions as were
/// made.
///
/// Usage: update [--quick] [--json FILE] [--scratch DIRECTORY]

#include "arguments.hpp"
#include "device/peers.hpp"
#include "device/slices.hpp"
#include "report.hpp"
#include "traces.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <vector>

#if defined(QUIRE_BENCH_URING)
#include "device/ring.hpp"

#include <quire/io/uring_backend.hpp>
#include <quire/pool/task_loop.hpp>
#endif

namespace {

using namespace quire_bench;
using draws = std::span<std::uint32_t const>;

/// What a system does in a turn; open and close are not timed.
class updating {
public:
    updating() = default;
    updating(updating const&) = delete;
    updating& operator=(updating const&) = delete;
    virtual ~updating() = default;
    virtual void open() = 0;
    virtual void update(draws pages) = 0;  ///< by several threads at once
    virtual void finish() = 0;             ///< all of it is durable
    virtual void close() = 0;
    /// A page's value, from the device.
    [[nodiscard]] virtual std::uint64_t value(std::uint32_t no) = 0;
    /// Bytes written since `open`, by its own count.
    [[nodiscard]] virtual std::optional<double> written() const { return std::nullopt; }
    [[nodiscard]] virtual std::size_t share() const { return 1; }  ///< of the draws: one in ...
    [[nodiscard]] virtual bool keeps_values() const { return true; }
};

/// The systems whose file is a page_file.
class updating_pages : public updating {
public:
    explicit updating_pages(std::filesystem::path path) : path_{std::move(path)} {}
    [[nodiscard]] std::uint64_t value(std::uint32_t no) override {
        raw_file const file{path_, O_RDONLY | O_DIRECT};
        page_buffer const page;
        read_pages(file.get(), page.page(), no);
        return value_in(page.page());
    }

protected:
    std::filesystem::path path_;
};

template <class Backend = quire::direct_backend>
class by_quire : public updating_pages {
public:
    using pool_type =
        quire::buffer_pool<page_size, quire::s3_fifo, quire::hybrid_latch, Backend>;
    enum class writes : std::uint8_t { when_it_must, ahead };

    by_quire(std::filesystem::path const& path, std::size_t frames,
             writes how = writes::when_it_must)
        : updating_pages{path}, frames_{frames}, how_{how} {}
    void open() override {
        pool_.emplace(typename pool_type::options_type{.frames = frames_});
        file_.emplace(pool_->open(path_));
        if (file_->mode() != quire::io_mode::direct) { fail("quire does not write directly"); }
        if (how_ == writes::ahead) { writer_.emplace(*pool_); }
    }
    void update(draws pages) override {
        for (auto const no : pages) {
            auto page = file_->write(no);
            add_one(page->bytes());
        }
    }
    void finish() override {
        writer_.reset();
        file_->flush();
        last_ = file_->stats();
    }
    void close() override {
        file_->close();
        pool_.reset();
    }
    [[nodiscard]] std::optional<double> written() const override {
        return static_cast<double>(last_.bytes_written);
    }
    /// Of the last turn, flush included.
    [[nodiscard]] quire::pool_stats const& last() const noexcept { return last_; }

protected:
    template <class Bytes>
    static void add_one(Bytes const& bytes) {
        bytes.store(value_at, bytes.template load<std::uint64_t>(value_at) + 1);
    }

    std::size_t frames_;
    std::optional<pool_type> pool_;
    std::optional<typename pool_type::file> file_;

private:
    writes how_;
    std::optional<quire::background_writer<pool_type>> writer_;
    quire::pool_stats last_;
};

#if defined(QUIRE_BENCH_URING)
class by_tasks final : public by_quire<quire::uring_backend> {
public:
    using by_quire::by_quire;
    void update(draws pages) override {
        quire::task_loop loop{*pool_, {.in_flight = 64}};
        for (auto const no : pages) { loop.spawn(one(*file_, no)); }
        loop.run();
    }

private:
    static quire::task<> one(pool_type::file file, quire::page_no no) {
        auto page = co_await file.async_write(no);
        add_one(page->bytes());
    }
};

/// The transfers that another system took in its last turn, and nothing else.
class by_ring final : public updating_pages {
public:
    by_ring(std::filesystem::path const& path, by_tasks const& like)
        : updating_pages{path}, like_{like} {}
    void open() override { file_.emplace(path_, O_RDWR | O_DIRECT); }
    void update(draws pages) override {
        auto const reads = like_.last().misses;
        auto const all = reads + like_.last().write_backs;
        std::uint64_t begun = 0;
        ring transfers;
        transfers.run(
            [&](unsigned slot, ::io_uring_sqe* sqe) {
                if (begun == all) { return false; }
                bool const is_read = begun * reads / all != (begun + 1) * reads / all;
                auto const at =
                    static_cast<std::uint64_t>(offset_of(pages[begun++ * 7919 % pages.size()]));
                auto* const page = transfers.page(slot);
                is_read ? ::io_uring_prep_read(sqe, file_->get(), page, page_size, at)
                        : ::io_uring_prep_write(sqe, file_->get(), page, page_size, at);
                return true;
            },
            [](unsigned) {});
    }
    void finish() override { sync_data(file_->get()); }
    void close() override { file_.reset(); }
    [[nodiscard]] bool keeps_values() const override { return false; }

private:
    by_tasks const& like_;
    std::optional<raw_file> file_;
};
#endif

/// pread and pwrite, under a mutex that a page shares with others.
class by_calls final : public updating_pages {
public:
    by_calls(std::filesystem::path const& path, bool direct)
        : updating_pages{path}, direct_{direct} {}
    void open() override {
        empty_page_cache_of(path_);
        file_.emplace(path_, O_RDWR | (direct_ ? O_DIRECT : 0));
        static_cast<void>(::posix_fadvise(file_->get(), 0, 0, POSIX_FADV_RANDOM));
    }
    void update(draws pages) override {
        page_buffer const page;
        for (auto const no : pages) {
            std::lock_guard const alone{mutexes_[no % mutexes_.size()]};
            if (direct_) {
                read_pages(file_->get(), page.page(), no);
                set_value(page.page(), value_in(page.page()) + 1);
                write_pages(file_->get(), page.page(), no);
            } else {
                auto const at = offset_of(no) + static_cast<::off_t>(value_at);
                std::uint64_t value = 0;
                if (::pread(file_->get(), &value, sizeof value, at) != sizeof value) {
                    fail("pread");
                }
                ++value;
                if (::pwrite(file_->get(), &value, sizeof value, at) != sizeof value) {
                    fail("pwrite");
                }
            }
        }
    }
    void finish() override { sync_data(file_->get()); }
    void close() override { file_.reset(); }
    [[nodiscard]] std::size_t share() const override { return direct_ ? 10 : 1; }

private:
    bool direct_;
    std::optional<raw_file> file_;
    std::array<std::mutex, 1024> mutexes_;
};

class by_mapping final : public updating_pages {
public:
    using updating_pages::updating_pages;
    void open() override {
        empty_page_cache_of(path_);
        raw_file const file{path_, O_RDWR};
        size_ = std::filesystem::file_size(path_);
        at_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
        if (at_ == MAP_FAILED || ::madvise(at_, size_, MADV_RANDOM) != 0) { fail("mmap"); }
    }
    void update(draws pages) override {
        for (auto const no : pages) {
            auto* const value = reinterpret_cast<std::uint64_t*>(
                static_cast<std::byte*>(at_) + std::size_t{no} * page_size + value_at);
            std::atomic_ref{*value}.fetch_add(1, std::memory_order_relaxed);
        }
    }
    void finish() override {
        if (::msync(at_, size_, MS_SYNC) != 0) { fail("msync"); }
    }
    void close() override { ::munmap(at_, size_); }

private:
    void* at_ = nullptr;
    std::size_t size_ = 0;
};

#if defined(QUIRE_BENCH_LMDB)
class by_lmdb final : public updating {
public:
    by_lmdb(std::filesystem::path path, std::uint32_t pages)
        : path_{std::move(path)}, pages_{pages} {}
    void open() override {
        empty_page_cache_of(path_);
        file_.emplace(path_, pages_, MDB_NOSYNC | MDB_NORDAHEAD);
    }
    void update(draws pages) override {
        page_buffer const page;
        for (auto no : pages) {
            MDB_txn* changing = nullptr;
            check_lmdb(::mdb_txn_begin(file_->env(), nullptr, 0, &changing), "mdb_txn_begin");
            MDB_val key{sizeof no, &no};
            MDB_val value{};
            check_lmdb(::mdb_get(changing, file_->table(), &key, &value), "mdb_get");
            std::memcpy(page.page(), value.mv_data, value.mv_size);
            set_value(page.page(), value_in(page.page()) + 1);
            value.mv_data = page.page();
            check_lmdb(::mdb_put(changing, file_->table(), &key, &value, 0), "mdb_put");
            check_lmdb(::mdb_txn_commit(changing), "mdb_txn_commit");
        }
    }
    void finish() override { file_->sync(); }
    void close() override { file_.reset(); }
    [[nodiscard]] std::uint64_t value(std::uint32_t no) override {
        lmdb_reads file{path_, pages_, reads::random};
        lmdb_reads::reader reader{file};
        return reader.read(no);
    }

private:
    std::filesystem::path path_;
    std::uint32_t pages_;
    std::optional<lmdb_file> file_;
};
#endif

/// How often each page of a file was updated.
using ledger = std::vector<std::uint32_t>;

struct turn {
    std::string name;
    unsigned threads;
    updating* by;
    ledger* of;
    figures rate{};
    figures bytes{};  ///< an update, by the system's count
    figures own{};    ///< by its own
};

void take(turn& one, draws all) {
    auto const mine = all.first(all.size() / one.by->share() / one.threads * one.threads);
    auto const each = mine.size() / one.threads;
    std::atomic<unsigned> next{0};
    one.by->open();
    auto const before = counted_io("write_bytes");
    auto const did = do_together(one.threads, [&](unsigned) {
        one.by->update(mine.subspan(next.fetch_add(1) * each, each));
        return each;
    });
    auto const begin = slice_clock::now();
    one.by->finish();
    std::chrono::duration<double> const finishing = slice_clock::now() - begin;
    auto const updates = static_cast<double>(mine.size());
    one.rate.push_back(updates / (did.seconds + finishing.count()));
    one.bytes.push_back((counted_io("write_bytes") - before) / updates);
    if (auto const own = one.by->written()) { one.own.push_back(*own / updates); }
    one.by->close();
    if (!one.by->keeps_values()) { return; }

    for (auto const no : mine) { ++(*one.of)[no]; }
    auto const step = std::max<std::size_t>(1, mine.size() / 200);
    for (std::size_t i = 0; i < mine.size(); i += step) {
        expect_value(mine[i], one.by->value(mine[i]), (*one.of)[mine[i]]);
    }
}

/// The best rate in a round of a system other than quire, with its best number of threads.
figures best_of_peers(std::vector<turn> const& turns) {
    figures best(turns.front().rate.size(), 0.0);
    for (auto const& one : turns) {
        if (one.name.starts_with("quire") || one.name.starts_with("io_uring")) { continue; }
        for (std::size_t i = 0; i < best.size(); ++i) { best[i] = std::max(best[i], one.rate[i]); }
    }
    return best;
}

}  // namespace

int main(int argc, char** argv) try {
    auto const given = arguments("update", argc, argv);
    std::uint32_t const frames = given.quick ? 1U << 10 : 1U << 16;
    std::uint32_t const pages = 16 * frames;
    std::size_t const updates = given.quick ? 2'400 : 130'000;
    int const rounds = given.quick ? 2 : 5;
    report found;
    scratch_folder const scratch{given.scratch};
    expect_room(scratch.path(), pages, 4);
    make_page_file(scratch.path() / "ours", pages);
    make_page_file(scratch.path() / "theirs", pages);

    std::array<ledger, 3> ledgers;
    for (auto& one : ledgers) { one.resize(pages); }
    by_quire<> quire{scratch.path() / "ours", frames};
    by_quire<> quarter{scratch.path() / "ours", frames / 4};
    by_quire<> with_writer{scratch.path() / "ours", frames / 4, by_quire<>::writes::ahead};
    by_calls direct{scratch.path() / "theirs", true};
    by_calls buffered{scratch.path() / "theirs", false};
    by_mapping mapped{scratch.path() / "theirs"};
    std::vector<turn> turns;
    turns.push_back({"quire, a quarter", 1, &quarter, &ledgers[0]});
    turns.push_back({"quire, a quarter, and a writer", 1, &with_writer, &ledgers[0]});
#if defined(QUIRE_BENCH_URING)
    by_tasks tasks{scratch.path() / "ours", frames};
    by_tasks quarter_of_tasks{scratch.path() / "ours", frames / 4};
    by_ring replayed{scratch.path() / "replayed", tasks};
    by_ring quarter_replayed{scratch.path() / "replayed", quarter_of_tasks};
    if (ring::permitted()) {
        make_page_file(scratch.path() / "replayed", pages);
        turns.push_back({"quire, tasks", 1, &tasks, &ledgers[0]});
        turns.push_back({"io_uring, 64", 1, &replayed, &ledgers[1]});
        turns.push_back({"quire, tasks, a quarter", 1, &quarter_of_tasks, &ledgers[0]});
        turns.push_back({"io_uring, 64, a quarter", 1, &quarter_replayed, &ledgers[1]});
    }
#endif
    for (unsigned threads : {1U, 8U}) {
        turns.push_back({"quire", threads, &quire, &ledgers[0]});
        turns.push_back({"direct", threads, &direct, &ledgers[1]});
        turns.push_back({"buffered", threads, &buffered, &ledgers[1]});
        turns.push_back({"mmap", threads, &mapped, &ledgers[1]});
    }
#if defined(QUIRE_BENCH_LMDB)
    lmdb_file::make(scratch.path() / "lmdb", pages);
    by_lmdb lmdb{scratch.path() / "lmdb", pages};
    turns.push_back({"LMDB", 1, &lmdb, &ledgers[2]});
#endif

    auto const order = shuffled_pages(pages);
    skewed const rank{pages, 0.99};
    std::mt19937_64 random{1};
    for (int round = 0; round < rounds; ++round) {
        std::vector<std::uint32_t> all(updates);
        for (auto& no : all) { no = order[rank(random)]; }
        for (auto& one : turns) { take(one, all); }
    }

    for (auto const& one : turns) {
        found.add("update", "zipf 0.99", one.threads, one.name, one.rate, "updates/s");
    }
    for (auto const& one : turns) {
        found.add("update", "written", one.threads, one.name, one.bytes, "bytes");
        if (one.own.empty()) { continue; }
        found.add("update", "written", one.threads, one.name + ", own count", one.own, "bytes");
    }
    auto const best = best_of_peers(turns);
    auto const rate = [&](std::string_view name, unsigned threads = 1) -> figures const& {
        auto const at = std::find_if(turns.begin(), turns.end(), [&](turn const& one) {
            return one.name == name && one.threads == threads;
        });
        return at->rate;
    };
    auto const blocking = rate("quire, a quarter");
    found.at_least("update, quire, 8 threads / best peer", median(ratios(rate("quire", 8), best)),
                   1.0);
    found.at_least("update, a quarter, with a background writer / without",
                   median(ratios(rate("quire, a quarter, and a writer"), blocking)), 1.5);
#if defined(QUIRE_BENCH_URING)
    if (ring::permitted()) {
        found.at_least("update, 64 tasks / best peer", median(ratios(rate("quire, tasks"), best)),
                       1.0);
        found.at_least("update, a quarter, 64 tasks / blocking",
                       median(ratios(rate("quire, tasks, a quarter"), blocking)), 3.0);
        found.at_least("update, 64 tasks / io_uring, 64, the same transfers",
                       median(ratios(rate("quire, tasks"), rate("io_uring, 64"))), 0.85);
        found.at_least(
            "update, a quarter, 64 tasks / io_uring, 64, the same transfers",
            median(ratios(rate("quire, tasks, a quarter"), rate("io_uring, 64, a quarter"))), 0.8);
    }
#endif
    if (!given.json.empty()) { found.write(given.json); }
    found.print_targets();
} catch (std::exception const& e) {
    std::fprintf(stderr, "update: %s\n", e.what());
    return 1;
}
