// SPDX-License-Identifier: BSL-1.0

/// With one thread and no guard held, a pool hits and evicts exactly as the plain policy does.
///
/// Traces of random page numbers, and the one that the environment variable QUIRE_TRACE names: a
/// file with one page number a line.

#include <quire/pool/buffer_pool.hpp>

#include <quire/evict/clock.hpp>
#include <quire/evict/lru.hpp>
#include <quire/evict/s3_fifo.hpp>
#include <quire/evict/sieve.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/latch/no_latch.hpp>

#include "catch.hpp"
#include "plain_policies.hpp"
#include "random.hpp"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <unordered_map>

using namespace quire_test;

namespace {

using trace = std::vector<page_number>;

/// A policy of quire, the plain one, and the latch of the pool.
template <class Policy, class Plain, class Latch = quire::no_latch>
struct pairing {
    using pool = quire::buffer_pool<512, Policy, Latch, quire::memory_backend>;
    using plain = Plain;
};

/// What a replay went through.
struct tally {
    std::uint64_t uses = 0;
    std::uint64_t hits = 0;
    std::uint64_t evictions = 0;

    tally& operator+=(tally const& other) {
        uses += other.uses;
        hits += other.hits;
        evictions += other.evictions;
        return *this;
    }
};

/// Replays `what` in a pool and in the plain policy, and compares after every use.
template <class Pairing>
tally replay(trace const& what, std::size_t frames) {
    auto const pages = *std::max_element(what.begin(), what.end()) + 1;
    auto const store = std::make_shared<quire::memory_store>();
    store->assign("f", std::vector<std::byte>(pages * 512));
    typename Pairing::pool pool{{.frames = frames, .backend = {store}}};
    auto file = pool.open("f", quire::open_mode::read_only, {.seal = quire::no_seal});
    auto const resident = [&](page_number no) { return file.slot().pages->load(no).is_frame(); };
    auto const& evictions = file.slot().counters.evictions;

    typename Pairing::plain plain{frames};
    tally sum;
    for (std::size_t i = 0; i < what.size(); ++i) {
        auto const no = what[i];
        auto const expected = plain.use(no);
        auto const hit = resident(no);
        auto const before = evictions.load();
        bool const had = expected.victim && resident(*expected.victim);
        static_cast<void>(file.read(no).id());
        // Exactly one page has left, and it was this one.
        bool const as_expected =
            hit == expected.hit &&
            evictions.load() - before == (expected.victim ? 1U : 0U) &&
            (!expected.victim || (had && !resident(*expected.victim))) && resident(no);
        if (!as_expected) {
            INFO("use " << i << " of page " << no << " with " << frames << " frames");
            INFO("hit " << hit << ", expected " << expected.hit);
            INFO("victim expected " << (expected.victim ? std::to_string(*expected.victim) : "-"));
            REQUIRE(as_expected);
        }
        sum.hits += hit ? 1U : 0U;
        sum.evictions += evictions.load() - before;
    }
    sum.uses = what.size();
    CHECK(file.stats().hits == sum.hits);
    CHECK(file.stats().misses == sum.uses - sum.hits);
    return sum;
}

/// Draws 0, 1, 2, ... with a probability that falls as 1 / rank.
class zipf {
public:
    zipf(std::uint64_t pages, double exponent) {
        double sum = 0;
        for (std::uint64_t i = 1; i <= pages; ++i) {
            below_.push_back(sum += std::pow(static_cast<double>(i), -exponent));
        }
    }
    page_number operator()(generator& random) const {
        auto const at = static_cast<double>(random.bits() >> 11) * 0x1p-53 * below_.back();
        return static_cast<page_number>(
            std::upper_bound(below_.begin(), below_.end() - 1, at) - below_.begin());
    }

private:
    std::vector<double> below_;
};

constexpr std::size_t length = 6'000;

/// Random page numbers of each kind, around a cache of `frames`.
std::map<std::string, trace> traces(std::size_t frames, generator& random) {
    std::map<std::string, trace> all;
    auto const make = [&](char const* name, auto next) {
        auto& made = all[name];
        while (made.size() < length) { made.push_back(next(made.size())); }
    };
    auto const pages = frames * random.between(2, 8) + random.below(5) + 1;
    zipf const skewed{pages, 0.9};
    make("uniform", [&](std::size_t) { return random.below(pages); });
    make("zipf", [&](std::size_t) { return skewed(random); });
    make("scan", [&, no = page_number{0}](std::size_t) mutable {
        return random.chance(2, 3) ? no : no = (no + 1) % pages;  // most pages more than once
    });
    auto const round = frames + 1 + random.below(frames / 4 + 1);
    make("loop", [&](std::size_t i) { return i % round; });
    make("mixed", [&, no = page_number{0}](std::size_t i) mutable -> page_number {
        auto const hot = (skewed(random) + i / 1000 * frames) % pages;  // what is hot moves on
        if (i / 500 % 3 == 2) { return pages + ++no % pages; }
        return random.chance(1, 5) ? random.below(pages) : hot;
    });
    return all;
}

/// The page numbers of a file, numbered anew from 0 so that the pool's file stays small.
trace read_trace(std::string const& path) {
    std::ifstream in{path};
    trace numbers;
    std::unordered_map<page_number, page_number> dense;
    for (page_number no = 0; in >> no;) {
        numbers.push_back(dense.try_emplace(no, dense.size()).first->second);
    }
    if (!in.eof() || numbers.empty()) {
        throw std::runtime_error{"QUIRE_TRACE: not a list of page numbers: " + path};
    }
    return numbers;
}

}  // namespace

TEMPLATE_TEST_CASE("policies: a pool hits and evicts as the plain policy does", "",
                   (pairing<quire::clock, plain_clock>),
                   (pairing<quire::sieve, plain_sieve>),
                   (pairing<quire::s3_fifo, plain_s3_fifo>),
                   (pairing<quire::lru, plain_lru>),
                   (pairing<quire::clock, plain_clock, quire::hybrid_latch>),
                   (pairing<quire::sieve, plain_sieve, quire::hybrid_latch>),
                   (pairing<quire::s3_fifo, plain_s3_fifo, quire::hybrid_latch>),
                   (pairing<quire::lru, plain_lru, quire::hybrid_latch>)) {
    test_random random;
    std::map<std::string, tally> sums;
    for (std::size_t const frames : {1U, 2U, 3U, 5U, 10U, 19U, 20U, 64U}) {
        for (auto const& [name, what] : traces(frames, random)) {
            INFO("trace " << name);
            sums[name] += replay<TestType>(what, frames);
        }
    }
    std::cout << Catch::getResultCapture().getCurrentTestName() << ", seed " << random.seed()
              << '\n';
    for (auto const& [name, sum] : sums) {
        std::cout << "  " << name << ": " << sum.uses << " uses, " << sum.hits << " hits, "
                  << sum.evictions << " evictions\n";
        CHECK(sum.evictions > 0);
        if (name != "loop") { CHECK(sum.hits > 0); }  // most policies have none there
    }
}

TEMPLATE_TEST_CASE("policies: a pool replays the trace of QUIRE_TRACE as the plain policy does", "",
                   (pairing<quire::clock, plain_clock>),
                   (pairing<quire::sieve, plain_sieve>),
                   (pairing<quire::s3_fifo, plain_s3_fifo>),
                   (pairing<quire::lru, plain_lru>)) {
    char const* const path = std::getenv("QUIRE_TRACE");
    if (path == nullptr || *path == '\0') {
        return skip("QUIRE_TRACE names no file of page numbers");
    }
    auto const what = read_trace(path);
    std::uint64_t evictions = 0;
    for (std::size_t const frames : {2U, 10U, 100U, 1000U}) {
        evictions += replay<TestType>(what, frames).evictions;
    }
    std::cout << path << ": " << what.size() << " uses, " << evictions << " evictions\n";
    CHECK(evictions > 0);
}
