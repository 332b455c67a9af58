// SPDX-License-Identifier: BSL-1.0
#pragma once

/// plain_policies: what each policy of quire does, written once more from its paper, with standard
/// containers, one look-up at a time, no frames and no thought of speed.
///
/// Each is a cache of page numbers: `use(page)` says whether it was a hit, and who had to go. They
/// share nothing with the library, and little with each other.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <list>
#include <map>
#include <optional>
#include <vector>

namespace quire_test {

using page_number = std::uint64_t;

struct use_result {
    bool hit = false;
    std::optional<page_number> victim{};
};

/// Least recently used: a list in order of use, the latest first.
class plain_lru {
public:
    explicit plain_lru(std::size_t frames) : frames_{frames} {}

    use_result use(page_number page) {
        use_result result;
        auto const at = where_.find(page);
        if (at != where_.end()) {
            result.hit = true;
            by_use_.erase(at->second);
        } else if (by_use_.size() == frames_) {
            result.victim = by_use_.back();
            where_.erase(by_use_.back());
            by_use_.pop_back();
        }
        by_use_.push_front(page);
        where_[page] = by_use_.begin();
        return result;
    }

private:
    std::size_t frames_;
    std::list<page_number> by_use_;
    std::map<page_number, std::list<page_number>::iterator> where_;
};

/// Second chance: a circle of pages and a hand; the new page takes the place of the victim.
class plain_clock {
public:
    explicit plain_clock(std::size_t frames) : frames_{frames} {}

    use_result use(page_number page) {
        for (auto& one : circle_) {
            if (one.page == page) {
                one.referenced = true;
                return {true, {}};
            }
        }
        if (circle_.size() < frames_) {
            circle_.push_back({page, false});
            return {};
        }
        while (circle_[hand_].referenced) {
            circle_[hand_].referenced = false;
            hand_ = (hand_ + 1) % frames_;
        }
        use_result const result{false, circle_[hand_].page};
        circle_[hand_] = {page, false};
        hand_ = (hand_ + 1) % frames_;
        return result;
    }

private:
    struct entry {
        page_number page;
        bool referenced;
    };
    std::size_t frames_;
    std::vector<entry> circle_;
    std::size_t hand_ = 0;
};

/// SIEVE, as in algorithm 1 of the paper: head is where pages enter, the hand goes tail to head.
class plain_sieve {
public:
    explicit plain_sieve(std::size_t frames) : capacity_{frames} {}

    use_result use(page_number x) {
        use_result result;
        auto const in_t = std::find_if(t_.begin(), t_.end(), [&](auto& o) { return o.page == x; });
        if (in_t != t_.end()) {
            in_t->visited = true;
            result.hit = true;
            return result;
        }
        if (t_.size() == capacity_) {
            auto o = hand_ ? *hand_ : std::prev(t_.end());
            while (o->visited) {
                o->visited = false;
                o = o == t_.begin() ? std::prev(t_.end()) : std::prev(o);
            }
            result.victim = o->page;
            hand_ = o == t_.begin() ? std::nullopt : std::optional{std::prev(o)};
            t_.erase(o);
        }
        t_.push_front({x, false});
        return result;
    }

private:
    struct object {
        page_number page;
        bool visited;
    };
    std::size_t capacity_;
    std::list<object> t_;  // front: head
    std::optional<std::list<object>::iterator> hand_;
};

/// S3-FIFO, as in algorithm 1 of the paper; S to M evicts nobody, as in the authors' program.
class plain_s3_fifo {
public:
    explicit plain_s3_fifo(std::size_t frames)
        : cache_size_{frames},
          s_size_{std::max<std::size_t>(1, frames / 10)},
          g_size_{frames - s_size_} {}

    use_result use(page_number x) {
        if (auto const in = freq_.find(x); in != freq_.end()) {
            in->second = std::min(in->second + 1, 3);
            return {true, {}};
        }
        use_result result;
        while (s_.size() + m_.size() == cache_size_) {
            result.victim = s_.size() >= s_size_ ? evict_s() : evict_m();
        }
        auto const ghost = std::find(g_.begin(), g_.end(), x);
        if (ghost != g_.end()) {
            g_.erase(ghost);
            m_.push_front(x);
        } else {
            s_.push_front(x);
        }
        freq_[x] = 0;
        return result;
    }

private:
    std::optional<page_number> evict_s() {
        while (!s_.empty()) {
            auto const t = s_.back();
            s_.pop_back();
            if (freq_[t] > 1) {
                freq_[t] = 0;
                m_.push_front(t);
            } else {
                freq_.erase(t);
                g_.push_front(t);
                if (g_.size() > g_size_) { g_.pop_back(); }
                return t;
            }
        }
        return {};
    }
    std::optional<page_number> evict_m() {
        while (!m_.empty()) {
            auto const t = m_.back();
            m_.pop_back();
            if (freq_[t] > 0) {
                --freq_[t];
                m_.push_front(t);
            } else {
                freq_.erase(t);
                return t;
            }
        }
        return {};
    }

    std::size_t cache_size_;
    std::size_t s_size_;
    std::size_t g_size_;
    std::deque<page_number> s_;  // front: head
    std::deque<page_number> m_;
    std::deque<page_number> g_;
    std::map<page_number, int> freq_;
};

}  // namespace quire_test
