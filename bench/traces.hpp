// SPDX-License-Identifier: BSL-1.0
#pragma once

/// traces: made-up sequences of page numbers in the order of use, equal on every machine.
///
/// Eleven kinds over some 40,000 pages. The numbers depend on the seed in here only: the random
/// draws are implemented here, not taken from the standard library.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <string_view>
#include <vector>

namespace quire_bench {

/// Draws 0, 1, 2, ... with a probability that falls as 1 / rank^exponent.
class skewed {
public:
    skewed(std::uint64_t count, double exponent) {
        double sum = 0;
        for (std::uint64_t i = 1; i <= count; ++i) {
            below_.push_back(sum += std::pow(static_cast<double>(i), -exponent));
        }
    }
    std::uint64_t operator()(std::mt19937_64& random) const {
        auto const at = static_cast<double>(random() >> 11) * 0x1p-53 * below_.back();
        return static_cast<std::uint64_t>(
            std::upper_bound(below_.begin(), below_.end() - 1, at) - below_.begin());
    }

private:
    std::vector<double> below_;
};

/// One kind, of about `length` uses.
class trace_maker {
public:
    using trace = std::vector<std::uint64_t>;
    static constexpr std::uint64_t pages = 40'000;

    struct kind {
        std::string_view name;
        std::string_view what;
        trace (trace_maker::*make)();
    };

    explicit trace_maker(std::size_t length) : length_{length}, scattered_(pages) {
        std::iota(scattered_.begin(), scattered_.end(), std::uint64_t{0});
        for (auto i = scattered_.size() - 1; i > 0; --i) {
            std::swap(scattered_[i], scattered_[below(i + 1)]);
        }
    }

    trace uniform() {
        return made([&](trace& t) { t.push_back(below(pages)); });
    }
    trace loop() {
        return made([&](trace& t) { t.push_back(t.size() % pages); });
    }
    trace zipf_99() { return zipf(0.99); }
    trace zipf_70() { return zipf(0.7); }

    /// 60,000 skewed uses of one half of the pages, then a scan of the other half, and again.
    trace scan_between() {
        skewed const draw{pages / 2, 0.9};
        return made([&](trace& t) {
            for (int i = 0; i < 60'000; ++i) { t.push_back(scattered_[draw(draw_)]); }
            for (std::uint64_t no = 0; no < pages / 2; ++no) { t.push_back(pages + no); }
        });
    }
    /// Every third use belongs to a scan that runs in a loop over as many other pages.
    trace scan_beside() {
        skewed const draw{pages / 2, 0.9};
        return made([&, no = std::uint64_t{0}](trace& t) mutable {
            t.push_back(scattered_[draw(draw_)]);
            t.push_back(scattered_[draw(draw_)]);
            t.push_back(pages + no++ % pages);
        });
    }
    /// A scan that uses each page four times, row by row, with skewed uses between.
    trace scan_by_rows() {
        skewed const draw{pages / 2, 0.9};
        return made([&, no = std::uint64_t{0}](trace& t) mutable {
            for (int row = 0; row < 4; ++row) {
                t.push_back(scattered_[draw(draw_)]);
                t.push_back(pages + no % pages);
            }
            ++no;
        });
    }
    /// Each page is used one to six times in a row.
    trace bursts() {
        skewed const draw{pages, 0.8};
        return made([&](trace& t) {
            t.insert(t.end(), 1 + below(6), scattered_[draw(draw_)]);
        });
    }
    /// Look-ups in a tree of three levels: root, inner page, leaf. Keys are skewed and scattered.
    trace tree() {
        constexpr std::uint64_t keys_of_a_leaf = 50;
        constexpr std::uint64_t leaves_of_an_inner_page = 200;
        skewed const draw{pages * keys_of_a_leaf, 0.8};
        return made([&](trace& t) {
            auto const key = draw(draw_) * 0x9E3779B97F4A7C15ULL % (pages * keys_of_a_leaf);
            auto const leaf = key / keys_of_a_leaf;
            t.push_back(2 * pages);
            t.push_back(pages + leaf / leaves_of_an_inner_page);
            t.push_back(leaf);
        });
    }
    /// Skewed over a quarter of the pages; every 100,000 uses half of that quarter is replaced.
    trace shifts() {
        skewed const draw{pages / 4, 0.9};
        return made([&](trace& t) {
            auto const from = t.size() / 100'000 * (pages / 8);
            t.push_back(scattered_[(draw(draw_) + from) % pages]);
        });
    }
    /// Skewed over a quarter of the pages, which moves on by one page every 25 uses.
    trace drifts() {
        skewed const draw{pages / 4, 0.9};
        return made([&](trace& t) {
            auto const from = t.size() / 25;
            t.push_back(scattered_[(draw(draw_) + from) % pages]);
        });
    }

    static constexpr auto kinds() {
        using m = trace_maker;
        return std::array{
            kind{"zipf_99", "zipf, exponent 0.99", &m::zipf_99},
            kind{"zipf_70", "zipf, exponent 0.7", &m::zipf_70},
            kind{"scan_between", "scans between skewed phases", &m::scan_between},
            kind{"scan_beside", "a scan beside skewed uses", &m::scan_beside},
            kind{"scan_by_rows", "the same, each page four times", &m::scan_by_rows},
            kind{"loop", "round and round", &m::loop},
            kind{"uniform", "uniform", &m::uniform},
            kind{"tree", "look-ups in a tree", &m::tree},
            kind{"bursts", "skewed, in bursts", &m::bursts},
            kind{"shifts", "skewed, replaced by halves", &m::shifts},
            kind{"drifts", "skewed, moving on slowly", &m::drifts},
        };
    }

private:
    std::uint64_t below(std::uint64_t end) { return draw_() % end; }

    trace zipf(double exponent) {
        skewed const draw{pages, exponent};
        return made([&](trace& t) { t.push_back(scattered_[draw(draw_)]); });
    }

    template <class Step>
    trace made(Step step) {
        trace t;
        while (t.size() < length_) { step(t); }
        return t;
    }

    std::size_t length_;
    std::mt19937_64 draw_{1};
    std::vector<std::uint64_t> scattered_;  ///< the pages in random order
};

}  // namespace quire_bench
