// SPDX-License-Identifier: BSL-1.0
#pragma once

/// check_latch: whether a model of page_latch, and of the refinements it has, keeps the rules.
///
///     auto const found = quire::testing::check_latch<my_latch>();
///
/// First by scripts, in which threads step one at a time, then by threads that use every way in and
/// out at random. No wait is without an end: a thread that is not back by `wait_max` is reported
/// and left behind, with the latch it waits for.
///
///   concept       the rules that are checked; a broken one is named by these words
///   page_latch    readers share
///                 a reader keeps writers out until the last one has left
///                 a writer keeps readers and writers out until it unlocks
///                 try_lock and try_lock_shared do not wait, and get in now and then
///                 unlock wakes the writer that waits; ... the readers that wait
///                 unlock_shared of the last reader wakes the writer that waits
///                 under load writers exclude each other, and readers see whole states
///                 under load every wait ends
///   timed_latch   try_lock_for gives up when its time is over, and gets in when the latch is free
///   downgradable  downgrade keeps writers out and lets readers in, also those that wait
///                 no writer gets in between downgrade and unlock_shared
///   pinning       a pin keeps try_lock_unpinned out, and nobody else
///                 under load a frame with pins is not had by try_lock_unpinned
///   versioned     version moves with every exclusive section, also one that was downgraded
///                 version stands still while a reader is in
///
/// `try_lock` may fail spuriously, so it is asked again before a refusal counts; to let somebody in
/// who must wait breaks a rule at once. What only one thread uses is checked with `threads` 1: then
/// nothing waits, and a hold refuses its own thread.
///
/// What the scripts cannot see, a missing acquire or release, the thread sanitizer sees in this
/// check: the threads share plain memory under the latch.
/// Cost: half a second for a latch without faults.

#include <quire/latch/page_latch.hpp>
#include <quire/testing/detail/latch_load.hpp>
#include <quire/testing/detail/latch_scene.hpp>

namespace quire::inline QUIRE_ABI::testing {

namespace detail {

namespace latch_rules {
inline constexpr std::string_view share = "page_latch: readers share";
inline constexpr std::string_view reader =
    "page_latch: a reader keeps writers out until the last one has left";
inline constexpr std::string_view writer =
    "page_latch: a writer keeps readers and writers out until it unlocks";
inline constexpr std::string_view tries =
    "page_latch: try_lock and try_lock_shared do not wait, and get in now and then";
inline constexpr std::string_view wakes_writer =
    "page_latch: unlock wakes the writer that waits";
inline constexpr std::string_view wakes_readers =
    "page_latch: unlock wakes the readers that wait";
inline constexpr std::string_view last_reader =
    "page_latch: unlock_shared of the last reader wakes the writer that waits";
inline constexpr std::string_view timed =
    "timed_latch: try_lock_for gives up when its time is over, and gets in when the latch is free";
inline constexpr std::string_view downgrade =
    "downgradable: downgrade keeps writers out and lets readers in, also those that wait";
inline constexpr std::string_view pins =
    "pinning: a pin keeps try_lock_unpinned out, and nobody else";
inline constexpr std::string_view moves =
    "versioned: version moves with every exclusive section, also one that was downgraded";
}  // namespace latch_rules

template <class Latch>
void check_scripted_holds(latch_scene<Latch>& s) {
    s.first([&] { s.latch.lock_shared(); });
    s.expect(s.gets_in(s.second, shared), latch_rules::share);
    s.expect(s.is_refused(s.second, exclusive), latch_rules::reader);
    s.second.tell([&] { s.latch.lock_shared(); });
    s.first([&] { s.latch.unlock_shared(); });
    s.expect(s.is_refused(s.third, exclusive), latch_rules::reader, "one of two has left");
    s.second.tell([&] { s.latch.unlock_shared(); });
    s.need(s.gets_in(s.third, exclusive), latch_rules::tries, "try_lock, after the last reader");

    s.first([&] { s.latch.lock(); });
    s.expect(s.is_refused(s.second, shared), latch_rules::writer, "try_lock_shared");
    s.expect(s.is_refused(s.second, exclusive), latch_rules::writer, "try_lock");
    s.first([&] { s.latch.unlock(); });
    s.expect(s.gets_in(s.second, shared), latch_rules::tries, "try_lock_shared, after unlock");
    s.need(s.gets_in(s.second, exclusive), latch_rules::tries, "try_lock, after unlock");
    s.first([&] {
        s.latch.lock();
        s.latch.unlock();
    });
}

/// `hold` is ended by `let_go` while `waiter` waits in other threads; both then must get in.
template <class Latch, class Hold, class LetGo, class Way>
void check_waking(latch_scene<Latch>& s, Hold hold, LetGo let_go, Way way, std::string_view rule) {
    for (int round = 0; round < 4; ++round) {
        std::atomic<int> in{0};
        s.first(hold);
        auto const wait = [&] {
            way.lock(s.latch);
            in.fetch_add(1, std::memory_order_relaxed);
            way.unlock(s.latch);
        };
        s.second.start(wait);
        s.third.start(wait);
        std::this_thread::sleep_for(std::chrono::milliseconds{5 * round});
        s.expect(in.load(std::memory_order_relaxed) == 0, rule, "it did not wait");
        s.first(let_go);
        s.second.finish();
        s.third.finish();
    }
}

template <timed_latch Latch>
void check_timed(latch_scene<Latch>& s) {
    auto const some = std::chrono::milliseconds{10};
    s.first([&] { s.latch.lock(); });
    s.expect(!s.second.ask([&] { return exclusive.try_for(s.latch, some); }), latch_rules::timed);
    s.expect(!s.second.ask([&] { return shared.try_for(s.latch, some); }), latch_rules::timed);
    bool in = false;
    s.second.start([&] { in = shared.try_for(s.latch, s.trial.wait_max); });
    std::this_thread::sleep_for(some);
    s.first([&] { s.latch.unlock(); });
    s.second.finish();
    s.expect(in, latch_rules::timed, "a reader, after unlock");
    s.first([&] { s.latch.lock_shared(); });
    s.expect(!s.second.ask([&] { return exclusive.try_for(s.latch, some); }), latch_rules::timed);
    in = false;
    s.second.start([&] { in = exclusive.try_for(s.latch, s.trial.wait_max); });
    std::this_thread::sleep_for(some);
    s.first([&] { s.latch.unlock_shared(); });
    s.second.finish();
    s.expect(in, latch_rules::timed, "a writer, after unlock_shared");
}

template <downgradable Latch>
void check_downgrade(latch_scene<Latch>& s) {
    s.first([&] {
        s.latch.lock();
        s.latch.downgrade();
    });
    s.expect(s.is_refused(s.second, exclusive), latch_rules::downgrade, "a writer got in");
    s.expect(s.gets_in(s.second, shared), latch_rules::downgrade, "no reader got in");
    s.first([&] { s.latch.unlock_shared(); });
    s.expect(s.gets_in(s.second, exclusive), latch_rules::downgrade, "still held when it is over");
}

template <pinning Latch>
void check_pins(latch_scene<Latch>& s) {
    s.expect(s.gets_in(s.second, unpinned), latch_rules::pins, "no pin, and refused");
    s.first([&] { s.latch.lock_shared(); });
    s.expect(s.is_refused(s.second, unpinned), latch_rules::pins, "had beside a reader");
    s.first([&] {
        s.latch.pin();
        s.latch.pin();
        s.latch.unlock_shared();
    });
    for (int pins = 2; pins > 0; --pins) {
        s.expect(s.is_refused(s.second, unpinned), latch_rules::pins, "had in spite of a pin");
        s.expect(s.gets_in(s.second, exclusive), latch_rules::pins, "a writer is kept out");
        s.expect(s.gets_in(s.second, shared), latch_rules::pins, "a reader is kept out");
        s.first([&] { s.latch.unpin(); });
    }
    s.expect(s.gets_in(s.second, unpinned), latch_rules::pins, "refused after the last unpin");
    s.first([&] { s.latch.lock(); });
    s.expect(s.is_refused(s.second, unpinned), latch_rules::pins, "had beside a writer");
    s.first([&] { s.latch.unlock(); });
}

template <versioned Latch>
void check_version(latch_scene<Latch>& s) {
    auto const before = s.latch.version();
    s.first([&] {
        s.latch.lock();
        s.latch.unlock();
    });
    auto const after = s.latch.version();
    s.expect(after != before, latch_rules::moves);
    s.first([&] { s.latch.lock_shared(); });
    auto const inside = s.latch.version();
    s.expect(s.gets_in(s.second, shared), latch_rules::share);
    s.expect(s.is_refused(s.second, exclusive), latch_rules::reader);
    s.expect(s.latch.version() == inside, latch_rules::still);
    s.first([&] { s.latch.unlock_shared(); });
    s.need(s.gets_in(s.second, exclusive), latch_rules::tries, "try_lock");
    s.expect(s.latch.version() != after, latch_rules::moves, "try_lock");
    if constexpr (downgradable<Latch>) {
        auto const once_more = s.latch.version();
        s.first([&] {
            s.latch.lock();
            s.latch.downgrade();
            s.latch.unlock_shared();
        });
        s.expect(s.latch.version() != once_more, latch_rules::moves, "downgrade");
    }
}

template <class Latch>
void check_waits(report& found, latch_trial const& trial) {
    using scene = latch_scene<Latch>;
    run_scene<Latch>(found, trial, latch_rules::wakes_writer, [](scene& s) {
        check_waking(s, [&s] { s.latch.lock(); }, [&s] { s.latch.unlock(); }, exclusive,
                     latch_rules::writer);
    });
    run_scene<Latch>(found, trial, latch_rules::wakes_readers, [](scene& s) {
        check_waking(s, [&s] { s.latch.lock(); }, [&s] { s.latch.unlock(); }, shared,
                     latch_rules::writer);
    });
    run_scene<Latch>(found, trial, latch_rules::last_reader, [](scene& s) {
        check_waking(s, [&s] { s.latch.lock_shared(); }, [&s] { s.latch.unlock_shared(); },
                     exclusive, latch_rules::reader);
    });
    if constexpr (timed_latch<Latch>) {
        run_scene<Latch>(found, trial, latch_rules::timed, check_timed<Latch>);
    }
    if constexpr (downgradable<Latch>) {
        run_scene<Latch>(found, trial, latch_rules::downgrade, [](scene& s) {
            auto const let_go = [&s] {
                s.latch.downgrade();  // the readers that wait are let in before it ends
                s.second.finish();
                s.third.finish();
                s.latch.unlock_shared();
            };
            check_waking(s, [&s] { s.latch.lock(); }, let_go, shared, latch_rules::writer);
        });
    }
}

}  // namespace detail

template <page_latch Latch>
report check_latch(latch_trial const& trial = {}) {
    report found;
    detail::run_scene<Latch>(found, trial, detail::latch_rules::tries,
                             detail::check_scripted_holds<Latch>);
    if constexpr (downgradable<Latch>) {
        detail::run_scene<Latch>(found, trial, detail::latch_rules::downgrade,
                                 detail::check_downgrade<Latch>);
    }
    if constexpr (pinning<Latch>) {
        detail::run_scene<Latch>(found, trial, detail::latch_rules::pins,
                                 detail::check_pins<Latch>);
    }
    if constexpr (versioned<Latch>) {
        detail::run_scene<Latch>(found, trial, detail::latch_rules::moves,
                                 detail::check_version<Latch>);
    }
    if (trial.threads > 1) {
        detail::check_waits<Latch>(found, trial);
        detail::check_load<Latch>(found, trial);
    }
    return found;
}

}  // namespace quire::inline QUIRE_ABI::testing
