// SPDX-License-Identifier: BSL-1.0
#pragma once

/// tried: a policy with frames of its own, for tests that need no pool.

#include <quire/evict/eviction_policy.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace quire_test {

template <quire::eviction_policy Policy>
class tried {
public:
    explicit tried(std::size_t frames)
        : states_(frames),
          pages_(frames),
          policy_{quire::frame_states{std::span{states_}}} {}

    void touch(std::size_t f) { policy_.touch(states_[f]); }
    /// Frame `f` holds page `page` of file 0 now; by default the page with the frame's number.
    void insert(std::size_t f) { insert(f, f); }
    void insert(std::size_t f, std::uint64_t page) {
        pages_[f] = page;
        policy_.insert(nth(f), id(page));
    }
    /// Likewise, of a page that no thread has asked for yet.
    void insert_ahead(std::size_t f) { insert_ahead(f, f); }
    void insert_ahead(std::size_t f, std::uint64_t page) {
        pages_[f] = page;
        policy_.insert_ahead(nth(f), id(page));
    }
    void remove(std::size_t f) { policy_.remove(nth(f), id(pages_[f])); }
    [[nodiscard]] bool holds(std::size_t f) const { return policy_.holds(nth(f)); }
    [[nodiscard]] typename Policy::frame_state const& state(std::size_t f) const {
        return states_[f];
    }
    [[nodiscard]] std::size_t frames() const { return states_.size(); }

    void search() { policy_.search(); }
    std::optional<std::size_t> propose() {
        auto const frame = policy_.propose();
        return frame ? std::optional<std::size_t>{quire::index(*frame)} : std::nullopt;
    }
    /// For the last candidate: a thread holds or pins it.
    void in_use(std::size_t f) {
        if constexpr (quire::policy_that_heeds_use<Policy>) { policy_.in_use(nth(f)); }
    }
    /// What would be proposed next.
    std::vector<std::size_t> peek() const {
        std::vector<std::size_t> frames;
        policy_.peek([&](quire::frame_no f) noexcept {
            frames.push_back(quire::index(f));
            return true;
        });
        return frames;
    }
    /// The first candidate of a search, removed.
    std::optional<std::size_t> evict() {
        search();
        auto const victim = propose();
        if (victim) { remove(*victim); }
        return victim;
    }
    /// All candidates of a search, every one refused.
    std::vector<std::size_t> search_in_vain() {
        std::vector<std::size_t> candidates;
        search();
        while (auto const f = propose()) { candidates.push_back(*f); }
        return candidates;
    }

private:
    static quire::frame_no nth(std::size_t f) { return static_cast<quire::frame_no>(f); }
    static quire::page_id id(std::uint64_t page) { return {quire::file_no{0}, page}; }

    std::vector<typename Policy::frame_state> states_;
    std::vector<std::uint64_t> pages_;
    Policy policy_;
};

}  // namespace quire_test
