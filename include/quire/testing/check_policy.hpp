// SPDX-License-Identifier: BSL-1.0
#pragma once

/// check_policy: whether a model of eviction_policy keeps the rules of the concept's table.
///
///     auto const found = quire::testing::check_policy<my_policy>();
///
/// The rule of allocations is tried only with `allocations`, which counts them in operator new:
///
///     check_policy<my_policy>({.allocations = [] { return news_so_far.load(); }});
///
/// The policy is tried without a pool, over frames of the check's own: by hand, by random calls in
/// every order that the concept allows (the same ones each time: the seed is an option), and with
/// threads that touch while it searches. A third of the insertions are insert_ahead, if it has one.
///
///   expression   the rules that are checked; a broken one is named by these words
///   holds        true from insert to remove, and for no other frame
///   propose      only a frame that is held
///                nothing more when a search has ended
///                a search ends after at most 2 x frames candidates, even if touched meanwhile
///                a search that takes none proposes every frame that is held
///                a refused candidate stays held
///                a refused candidate is proposed again by the next search
///   remove       the frame is proposed no more, not even by the search that is under way
///   touch        changes nothing of what is held, not even on a frame that is not
///                any thread may call it, even while another function runs
///   policy       writes nothing of a frame but its own state
///                shares nothing with another policy
///                allocates nothing after its construction (if `allocations` is given)
///
/// Not checked: whether the choice is a good one (that takes traces), and data races, which the
/// thread sanitizer sees in this check. A `propose` that never returns hangs the check.
/// Threads: starts some, and joins them. Cost: a tenth of a second.

#include <quire/evict/eviction_policy.hpp>
#include <quire/testing/report.hpp>
#include <quire/testing/trials.hpp>

#include <array>   // std::array
#include <atomic>  // std::atomic
#include <random>  // std::mt19937_64
#include <set>     // std::set
#include <thread>  // std::thread

namespace quire::inline QUIRE_ABI::testing {

namespace detail {

namespace policy_rules {
inline constexpr std::string_view holds =
    "holds: true from insert to remove, and for no other frame";
inline constexpr std::string_view only_held = "propose: only a frame that is held";
inline constexpr std::string_view ended = "propose: nothing more when a search has ended";
inline constexpr std::string_view bounded =
    "propose: a search ends after at most 2 x frames candidates, even if touched meanwhile";
inline constexpr std::string_view every =
    "propose: a search that takes none proposes every frame that is held";
inline constexpr std::string_view stays = "propose: a refused candidate stays held";
inline constexpr std::string_view again =
    "propose: a refused candidate is proposed again by the next search";
inline constexpr std::string_view gone =
    "remove: the frame is proposed no more, not even by the search that is under way";
inline constexpr std::string_view touched =
    "touch: changes nothing of what is held, not even on a frame that is not";
inline constexpr std::string_view any_thread =
    "touch: any thread may call it, even while another function runs";
inline constexpr std::string_view own_state =
    "policy: writes nothing of a frame but its own state";
inline constexpr std::string_view alone = "policy: shares nothing with another policy";
inline constexpr std::string_view no_allocation =
    "policy: allocates nothing after its construction";
}  // namespace policy_rules

inline constexpr std::string_view broken_before = "another rule is broken";

/// A policy, its frames, and what it should hold.
template <eviction_policy Policy>
class policy_subject {
    using state_type = typename Policy::frame_state;
    using guard_bytes = std::array<unsigned char, 8>;
    static constexpr guard_bytes guard{0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1};
    struct frame {  // without a gap beside the state
        guard_bytes before = guard;
        state_type state{};
        guard_bytes after = guard;
    };

public:
    using numbers = std::set<std::size_t>;

    policy_subject(report& found, std::size_t frames)
        : found_{found},
          frames_(frames),
          pages_(frames),
          policy_{frame_states<state_type>{std::span<frame>{frames_}, &frame::state}} {}

    void touch(std::size_t f) { policy_.touch(frames_[f].state); }
    void insert(std::size_t f, std::uint64_t page) {
        pages_[f] = page;
        bool const ahead = (f + page) % 3 == 0;
        if constexpr (policy_that_heeds_arrival<Policy>) {
            if (ahead) { policy_.insert_ahead(static_cast<frame_no>(f), id_of(page)); }
        }
        if (!ahead || !policy_that_heeds_arrival<Policy>) {
            policy_.insert(static_cast<frame_no>(f), id_of(page));
        }
        held_.insert(f);
    }
    void insert_all() {
        for (std::size_t f = 0; f < frames_.size(); ++f) { insert(f, f); }
    }
    void remove(std::size_t f) {
        policy_.remove(static_cast<frame_no>(f), id_of(pages_[f]));
        held_.erase(f);
        gone_.insert(f);
    }
    void search() {
        gone_.clear();
        policy_.search();
    }
    /// The next candidate. Nothing, too, when it is not held: the search cannot go on with it.
    std::optional<std::size_t> propose() {
        auto const candidate = policy_.propose();
        if (!candidate) { return std::nullopt; }
        std::size_t const f = index(*candidate);
        auto const no = "frame " + std::to_string(f);
        bool const held = held_.contains(f);
        found_.expect(held, gone_.contains(f) ? policy_rules::gone : policy_rules::only_held, no);
        if (!held) { return std::nullopt; }
        found_.expect(policy_.holds(*candidate), policy_rules::stays, no);
        return f;
    }
    /// The candidates of a search, all refused; `between` is called after each.
    template <class Between>
    numbers refuse_all(Between between) {
        numbers seen;
        search();
        for (std::size_t n = 1; auto const f = propose(); ++n) {
            found_.expect(n <= 2 * frames_.size(), policy_rules::bounded);
            if (n > 2 * frames_.size()) { return seen; }
            seen.insert(*f);
            between();
        }
        found_.expect(!policy_.propose(), policy_rules::ended);
        return seen;
    }
    numbers refuse_all() {
        return refuse_all([] {});
    }

    /// Breaks `rule` when the policy holds something else than it should.
    void compare(std::string_view rule = policy_rules::holds) {
        for (std::size_t f = 0; f < frames_.size(); ++f) {
            auto const no = "frame " + std::to_string(f);
            bool const same = policy_.holds(static_cast<frame_no>(f)) == held_.contains(f);
            found_.expect(same, rule, no);
            found_.expect(frames_[f].before == guard && frames_[f].after == guard,
                          policy_rules::own_state, no);
        }
    }
    [[nodiscard]] numbers const& held() const noexcept { return held_; }
    [[nodiscard]] std::size_t frames() const noexcept { return frames_.size(); }

private:
    /// Pages of several files, and far apart.
    [[nodiscard]] static page_id id_of(std::uint64_t page) noexcept {
        return {file_no{static_cast<std::uint16_t>(page % 3 * 1000)}, page * 0x5DEECE66DU};
    }

    report& found_;
    std::vector<frame> frames_;
    std::vector<std::uint64_t> pages_;
    numbers held_;
    numbers gone_;  // removed since the search began
    Policy policy_;
};

template <class Policy>
void check_holds(report& found) {
    policy_subject<Policy> one{found, 3};
    policy_subject<Policy> two{found, 3};
    one.compare();
    one.touch(0);  // a frame that is free
    one.compare(policy_rules::touched);
    one.insert(1, 1);
    one.compare();
    two.compare(policy_rules::alone);
    one.touch(1);
    one.compare(policy_rules::touched);
    one.remove(1);
    one.compare();
    one.insert(1, 7);
    one.compare();
}

template <class Policy>
void check_searches(report& found) {
    policy_subject<Policy> none{found, 0};
    static_cast<void>(none.refuse_all());
    policy_subject<Policy> few{found, 5};
    few.insert(3, 3);
    few.search();
    found.expect(few.propose() == 3U, policy_rules::every, "the only one");
    few.remove(3);
    found.expect(few.refuse_all().empty(), policy_rules::only_held);

    for (std::size_t const frames : {1U, 2U, 3U, 9U, 10U, 40U, 300U}) {
        for (int touches = 0; touches < 5; ++touches) {
            policy_subject<Policy> subject{found, frames};
            for (std::size_t f = 0; f < frames; ++f) {
                if (frames > 2 && f % 3 == 2) { continue; }
                subject.insert(f, f);
                for (int i = 0; i < touches; ++i) { subject.touch(f); }
            }
            for (int round = 0; round < 3; ++round) {
                bool const all = subject.refuse_all() == subject.held();
                found.expect(all, round == 0 ? policy_rules::every : policy_rules::again);
                subject.compare(policy_rules::stays);
            }
        }
        policy_subject<Policy> busy{found, frames};
        busy.insert_all();
        auto const touch_all = [&] {
            for (std::size_t f = 0; f < frames; ++f) { busy.touch(f); }
        };
        found.expect(!busy.refuse_all(touch_all).empty(), policy_rules::every, "not one");
    }
}

/// Random calls. Between two of them the policy is compared with what it should hold.
template <class Policy>
void check_random_calls(report& found, policy_trial const& trial) {
    std::mt19937_64 random{trial.seed};
    auto const below = [&](std::size_t end) { return random() % end; };
    for (int trace = 0; trace < trial.traces && found.passed(); ++trace) {
        std::size_t const frames = 1 + below(30);
        policy_subject<Policy> subject{found, frames};
        bool quiet = true;  // nothing else has happened during this search
        auto const toggle = [&] {
            auto const f = below(frames);
            subject.held().contains(f) ? subject.remove(f) : subject.insert(f, below(3 * frames));
            quiet = false;
        };
        for (int step = 0; step < 200; ++step) {
            auto const what = below(10);
            if (what < 2) { toggle(); }
            if (what >= 2 && what < 7) { subject.touch(below(frames)); }
            if (what >= 7) {
                subject.search();
                quiet = true;
                typename policy_subject<Policy>::numbers seen;
                std::size_t n = 1;
                auto f = subject.propose();
                for (; f && n <= 2 * frames; f = subject.propose(), ++n) {
                    seen.insert(*f);
                    if (below(5) == 0) {
                        subject.remove(*f);
                        break;
                    }
                    if (below(20) == 0) { toggle(); }
                }
                found.expect(n <= 2 * frames || !f, policy_rules::bounded);
                if (!f && quiet) { found.expect(seen == subject.held(), policy_rules::every); }
            }
            subject.compare();
        }
    }
}

/// Searches while threads touch.
template <class Policy>
void check_touching_threads(report& found, policy_trial const& trial) {
    if (trial.threads <= 0) {
        return found.note_unchecked(policy_rules::any_thread, "`threads` is 0");
    }
    if (!found.passed()) { return found.note_unchecked(policy_rules::any_thread, broken_before); }
    report meanwhile;
    policy_subject<Policy> subject{meanwhile, 12};
    subject.insert_all();
    std::atomic<bool> done{false};
    std::atomic<int> touching{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < trial.threads; ++t) {
        threads.emplace_back([&, t] {
            auto f = static_cast<std::size_t>(t);
            subject.touch(f % subject.frames());
            touching.fetch_add(1);
            while (!done.load(std::memory_order_relaxed)) { subject.touch(++f % subject.frames()); }
        });
    }
    while (touching.load() < trial.threads) { std::this_thread::yield(); }
    for (std::size_t round = 0; round < 1000; ++round) {
        static_cast<void>(subject.refuse_all());
        subject.search();
        if (auto const f = subject.propose()) {
            subject.remove(*f);
            subject.insert(*f, round);
        }
    }
    done = true;
    for (auto& thread : threads) { thread.join(); }
    subject.compare();
    found.expect(meanwhile.passed(), policy_rules::any_thread,
                 meanwhile.passed() ? std::string{} : meanwhile.broken().front());
}

template <class Policy>
void check_allocations(report& found, policy_trial const& trial) {
    auto const rule = policy_rules::no_allocation;
    if (trial.allocations == nullptr) {
        return found.note_unchecked(rule, "`allocations` is not given");
    }
    if (!found.passed()) { return found.note_unchecked(rule, broken_before); }
    using state_type = typename Policy::frame_state;
    std::vector<state_type> states(16);
    Policy policy{frame_states<state_type>{std::span<state_type>{states}}};
    auto const before = trial.allocations();
    auto const page_of = [](std::uint32_t n) { return page_id{file_no{0}, n * 7 % 40}; };
    for (std::uint32_t n = 0; n < 400; ++n) {
        auto const frame = static_cast<frame_no>(n % 16);
        if (n >= 16) { policy.remove(frame, page_of(n - 16)); }
        policy.insert(frame, page_of(n));
        policy.touch(states[n % 16]);
        policy.search();
        for (int candidates = 0; candidates < 32 && policy.propose(); ++candidates) {}
    }
    found.expect(trial.allocations() == before, rule);
}

template <eviction_policy Policy>
void check_policy(report& found, policy_trial const& trial) {
    found.note_checked("eviction_policy");
    found.section("policy: throws nothing", [&] {
        check_holds<Policy>(found);
        check_searches<Policy>(found);
        check_random_calls<Policy>(found, trial);
        check_touching_threads<Policy>(found, trial);
        check_allocations<Policy>(found, trial);
    });
}

}  // namespace detail

/// `Policy` models eviction_policy. See policy_trial for the options of the check.
template <class Policy>
report check_policy(policy_trial const& trial = {}) {
    static_assert(eviction_policy<Policy>,
                  "the parameter of check_policy models quire::eviction_policy");
    report found;
    if constexpr (eviction_policy<Policy>) { detail::check_policy<Policy>(found, trial); }
    return found;
}

}  // namespace quire::inline QUIRE_ABI::testing
