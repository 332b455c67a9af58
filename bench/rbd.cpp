// SPDX-License-Identifier: BSL-1.0

/// rbd: pages of an image of a Ceph cluster, beside librbd alone.
///
/// An image of 256 MiB and a pool of 16 MiB. In a round every system has a second of each task, in
/// slices that take turns. What each task is, for quire and for librbd with as many ops in flight:
///
///     read 1      a random page, and wait for it                  aio_read of 4 KiB, 1 in flight
///     read 64     random pages by file.read_stream                the same, 64 in flight
///     write 1     a change of a page, and file.flush              aio_write of 4 KiB, rbd_flush
///     write 64    changes of 64 pages, no neighbours, and flush   64 aio_writes, rbd_flush
///     scan        file.scan from end to end                       reads of 256 KiB, 1 in flight
///
/// Both write the same pages, every third of those that fill half of the pool: an OSD does the ops
/// of one object in turn, so it matters how many objects they are in. Pages that other tasks have
/// evicted are read before the slice: librbd's writes read nothing.
/// Pages per second. The cluster is that of CEPH_CONF, whose pool `quire` gets two images for the
/// time of the run (tests/ceph/cluster makes one here: daemons and client then share this machine).
/// Without CEPH_CONF or librbd it says so, and measures nothing.
///
/// Usage: rbd [--quick] [--json FILE] [--scratch DIRECTORY]

#include "arguments.hpp"
#include "report.hpp"

#include <cstdlib>

#if defined(QUIRE_BENCH_RBD)
#include "device/slices.hpp"

#include <quire/io/rbd_backend.hpp>
#include <quire/pool.hpp>

#include <deque>
#include <random>

namespace {

using namespace quire_bench;
using pool_type = quire::buffer_pool<page_size, quire::s3_fifo, quire::hybrid_latch,
                                     quire::rbd_backend>;

constexpr std::size_t many = 64;
constexpr std::uint64_t chunk_pages = 64;  // 256 KiB
constexpr std::uint64_t pool_part = 16;    // of the file

struct effort {
    std::uint64_t pages;
    int rounds;
    std::chrono::milliseconds slice;  ///< ten of these per round
};
constexpr effort full{65536, 5, std::chrono::milliseconds{100}};
constexpr effort quick{8192, 3, std::chrono::milliseconds{10}};

void expect(int result, char const* what) {
    if (result < 0) { fail(std::string{what} + ": " + std::strerror(-result)); }
}

/// An image, by librbd alone.
class raw_image {
public:
    raw_image(char const* conf, std::string const& name) : name_{name} {
        expect(::rados_create2(&cluster_, "ceph", "client.admin", 0), "rados_create2");
        expect(::rados_conf_read_file(cluster_, conf), "rados_conf_read_file");
        expect(::rados_conf_set(cluster_, "rbd_cache", "false"), "rados_conf_set");
        expect(::rados_connect(cluster_), "rados_connect");
        expect(::rados_ioctx_create(cluster_, "quire", &pool_), "rados_ioctx_create");
        int order = 22;
        expect(::rbd_create2(pool_, name.c_str(), 0, RBD_FEATURE_LAYERING, &order), "rbd_create2");
        expect(::rbd_open(pool_, name.c_str(), &image_, nullptr), "rbd_open");
    }
    raw_image(raw_image const&) = delete;
    raw_image& operator=(raw_image const&) = delete;
    ~raw_image() {
        ::rbd_close(image_);
        ::rbd_remove(pool_, name_.c_str());
        ::rados_ioctx_destroy(pool_);
        ::rados_shutdown(cluster_);
    }
    [[nodiscard]] ::rbd_image_t get() const noexcept { return image_; }
    void remove(std::string const& other) const { ::rbd_remove(pool_, other.c_str()); }

private:
    std::string name_;
    ::rados_t cluster_ = nullptr;
    ::rados_ioctx_t pool_ = nullptr;
    ::rbd_image_t image_ = nullptr;
};

/// Ops of a raw image, at most `depth` in flight, each of `op_pages`.
class raw_ops {
public:
    raw_ops(raw_image const& on, std::size_t depth, std::uint64_t op_pages)
        : image_{on.get()}, op_pages_{op_pages}, memory_{depth * op_pages} {
        for (std::size_t i = 0; i < depth; ++i) { free_.push_back(i); }
    }
    ~raw_ops() { finish(); }
    /// Pages that are complete by now, or after waiting for the oldest op where all are in flight.
    std::uint64_t start(bool writes, std::uint64_t page) {
        std::uint64_t done = 0;
        if (free_.empty()) { done = wait_for_oldest(); }
        auto const slot = free_.back();
        free_.pop_back();
        ::rbd_completion_t op = nullptr;
        expect(::rbd_aio_create_completion(nullptr, nullptr, &op), "rbd_aio_create_completion");
        auto* const bytes = reinterpret_cast<char*>(memory_.page(slot * op_pages_));
        auto const size = op_pages_ * page_size;
        expect(writes ? ::rbd_aio_write(image_, page * page_size, size, bytes, op)
                      : ::rbd_aio_read(image_, page * page_size, size, bytes, op),
               "rbd_aio");
        under_way_.push_back({slot, op});
        return done;
    }
    std::uint64_t finish() {
        std::uint64_t done = 0;
        while (!under_way_.empty()) { done += wait_for_oldest(); }
        return done;
    }

private:
    struct running {
        std::size_t slot;
        ::rbd_completion_t op;
    };
    std::uint64_t wait_for_oldest() {
        auto const [slot, op] = under_way_.front();
        under_way_.pop_front();
        ::rbd_aio_wait_for_complete(op);
        expect(static_cast<int>(::rbd_aio_get_return_value(op)), "an op");
        ::rbd_aio_release(op);
        free_.push_back(slot);
        return op_pages_;
    }
    ::rbd_image_t image_;
    std::uint64_t op_pages_;
    page_buffer memory_;
    std::vector<std::size_t> free_;
    std::deque<running> under_way_;
};

class raw_player {
public:
    raw_player(raw_image const& on, std::uint64_t pages) : on_{on}, pages_{pages} {}

    std::uint64_t read(std::size_t depth, slice_end end) {
        raw_ops ops{on_, depth, 1};
        std::uint64_t done = 0;
        while (slice_clock::now() < end) { done += ops.start(false, random_() % pages_); }
        return done + ops.finish();
    }
    std::uint64_t write(std::size_t depth, slice_end end) {
        raw_ops ops{on_, depth, 1};
        std::uint64_t done = 0;
        while (slice_clock::now() < end) {
            for (std::size_t i = 0; i < depth; ++i) {
                done += ops.start(true, next_written_);
                next_written_ = (next_written_ + 3) % (pages_ / pool_part / 2);
            }
            done += ops.finish();
            expect(::rbd_flush(on_.get()), "rbd_flush");
        }
        return done;
    }
    std::uint64_t scan(slice_end end) {
        raw_ops ops{on_, 1, chunk_pages};
        std::uint64_t done = 0;
        while (slice_clock::now() < end) {
            done += ops.start(false, next_);
            next_ = (next_ + chunk_pages) % pages_;
        }
        return done + ops.finish();
    }

private:
    raw_image const& on_;
    std::uint64_t pages_;
    std::uint64_t next_written_ = 0;
    std::uint64_t next_ = 0;
    std::mt19937_64 random_{1};
};

/// The pages of a pool's file hold their numbers.
class quire_player {
public:
    quire_player(char const* conf, std::string const& name, std::uint64_t pages)
        : pool_{{.frames = pages / pool_part, .backend = {.config = conf}}},
          file_{pool_.open("quire/" + name, quire::open_mode::create_new)} {
        while (file_.pages() < pages) {
            auto page = file_.append();
            page->bytes().store(64, page.page_no().value());
        }
        file_.flush();
    }
    std::uint64_t read_one(slice_end end) {
        std::uint64_t done = 0;
        for (; slice_clock::now() < end; ++done) {
            auto const no = random_() % file_.pages();
            auto const page = file_.read(no);
            expect_number(page->bytes(), no);
        }
        return done;
    }
    std::uint64_t read_many(slice_end end) {
        std::uint64_t done = 0;
        auto pages = file_.read_stream([&]() -> std::optional<quire::page_no> {
            if (slice_clock::now() >= end) { return std::nullopt; }
            return quire::page_no{random_() % file_.pages()};
        });
        while (auto* const page = pages.next()) {
            expect_number((*page)->bytes(), page->page_no().value());
            ++done;
        }
        return done;
    }
    /// Reads the pages that `write` changes, if the pool has them no more.
    void fetch_written() {
        std::uint64_t next = 0;
        auto pages = file_.read_stream([&]() -> std::optional<quire::page_no> {
            return next < pool_.frames() / 2 ? std::optional{quire::page_no{next++}} : std::nullopt;
        });
        while (pages.next() != nullptr) {}
    }
    std::uint64_t write(std::size_t count, slice_end end) {
        std::uint64_t done = 0;
        while (slice_clock::now() < end) {
            for (std::size_t i = 0; i < count; ++i, ++done) {
                auto page = file_.write(next_written_);
                page->bytes().store(128, random_());
                next_written_ = (next_written_ + 3) % (pool_.frames() / 2);
            }
            file_.flush();
        }
        return done;
    }
    std::uint64_t scan(slice_end end) {
        std::uint64_t done = 0;
        while (slice_clock::now() < end) {
            for (auto& page : file_.scan(next_)) {
                expect_number(page->bytes(), page.page_no().value());
                ++done;
                next_ = page.page_no().value() + 1;
                if (done % 64 == 0 && slice_clock::now() >= end) { return done; }
            }
            next_ = 0;
        }
        return done;
    }

private:
    template <class Bytes>
    static void expect_number(Bytes const& bytes, std::uint64_t no) {
        if (bytes.template load<std::uint64_t>(64) != no) { fail("another page was read"); }
    }

    pool_type pool_;
    pool_type::file file_;
    std::uint64_t next_written_ = 0;
    std::uint64_t next_ = 0;
    std::mt19937_64 random_{1};
};

void run(report& to, char const* conf, effort const& size) {
    auto const name = "bench-" + std::to_string(::getpid());
    raw_image const image{conf, name + "-raw"};
    expect(::rbd_resize(image.get(), size.pages * page_size), "rbd_resize");
    {
        raw_ops fill{image, 16, chunk_pages};
        for (std::uint64_t at = 0; at < size.pages; at += chunk_pages) { fill.start(true, at); }
    }
    {
        quire_player quire{conf, name, size.pages};
        raw_player raw{image, size.pages};
        slices all;
        auto const add = [&](std::string const& what, auto theirs, auto ours,
                             std::function<void()> before_ours = {}) {
            all.add("librbd, " + what, 1, theirs);
            all.add("quire, " + what, 1, ours, std::move(before_ours));
        };
        auto const fetch = [&] { quire.fetch_written(); };
        add("read 1", [&](slice_end end) { return raw.read(1, end); },
            [&](slice_end end) { return quire.read_one(end); });
        add("read 64", [&](slice_end end) { return raw.read(many, end); },
            [&](slice_end end) { return quire.read_many(end); });
        add("write 1", [&](slice_end end) { return raw.write(1, end); },
            [&](slice_end end) { return quire.write(1, end); }, fetch);
        add("write 64", [&](slice_end end) { return raw.write(many, end); },
            [&](slice_end end) { return quire.write(many, end); }, fetch);
        add("scan", [&](slice_end end) { return raw.scan(end); },
            [&](slice_end end) { return quire.scan(end); });
        auto const found = all.run(size.rounds, 10, size.slice);
        for (auto const& one : found) {
            to.add("rbd", "", one.threads, one.system, one.rate, "pages/s");
        }
        for (auto const& [what, target] :
             {std::pair{"read 1", 0.9}, {"read 64", 0.9}, {"write 1", 0.9}, {"write 64", 0.9},
              {"scan", 0.8}}) {
            to.at_least(std::string{"rbd, "} + what + ", quire / librbd",
                        median(ratios(of(found, std::string{"quire, "} + what, 1).rate,
                                      of(found, std::string{"librbd, "} + what, 1).rate)),
                        target);
        }
    }
    image.remove(name);
}

}  // namespace
#endif

int main(int argc, char** argv) try {
    quire_bench::arguments const given{"rbd", argc, argv};
    quire_bench::report found;
#if defined(QUIRE_BENCH_RBD)
    if (char const* const conf = std::getenv("CEPH_CONF"); conf != nullptr) {
        run(found, conf, given.quick ? quick : full);
    } else {
        std::puts("rbd: CEPH_CONF names no cluster, nothing is measured");
    }
#else
    std::puts("rbd: librbd was not here when this was compiled, nothing is measured");
#endif
    if (!given.json.empty()) { found.write(given.json); }
    found.print_targets();
} catch (std::exception const& e) {
    std::fprintf(stderr, "rbd: %s\n", e.what());
    return 1;
}
