// SPDX-License-Identifier: BSL-1.0
#pragma once

/// check_latch: whether a model of page_latch, and of the refinements it has, keeps the rules.
///
///     auto const found = quire::testing::check_latch<my_latch>();
///
/// First by scripts, in which threads step one at a time, then by threads that use every way in and
/// out at random. No wait is endless: a thread that still waits after `wait_max` is reported and
/// left behind, with the latch it waits for.
///
///   concept       the rules that are checked; a broken one is named by these words
///   page_latch    readers share, even 256 at once
///                 a reader keeps writers out until the last one has left
///                 a writer keeps readers and writers out until it unlocks
///                 try_lock and try_lock_shared do not wait, and get in now and then
///                 unlock wakes the writer that waits; ... the readers that wait
///                 unlock_shared of the last reader wakes the writer that waits
///                 under load writers exclude each other, and readers see whole states
///                 under load every wait ends
///   timed_latch   try_lock_for gives up when its time is over, and gets in when the latch is free
///   interruptible the wait gives up when look() is false, and gets in while it is true
///   downgradable  downgrade keeps writers out and lets readers in, even those that wait
///                 no writer gets in between downgrade and unlock_shared
///   pinning       a pin keeps try_lock_unpinned out, and nothing else
///                 under load try_lock_unpinned gets no frame with pins
///   versioned     version moves with every exclusive section, even one that was downgraded
///                 version does not change while a reader is in
///                 unchanged_since is false while a writer is in and after one was, else true
///
/// A refinement is checked if the latch models it: `checked()` of the report names those that were
/// tried, and `unchecked()` the others, even one that has the names but not the types.
///
/// `try_lock` may fail spuriously, so it is repeated before a refusal counts; a latch that lets in
/// a thread that must wait breaks a rule at once. A latch for one thread says `one_thread`, as
/// no_latch does, or is checked with `threads` 1: then nothing waits, and a hold refuses its own
/// thread.
///
/// The scripts cannot see a missing acquire or release. The thread sanitizer can, in this check:
/// the threads share plain memory under the latch. It does not know the timed functions of
/// std::shared_timed_mutex (pthread_rwlock_clockwrlock): races that it reports there are its own.
/// Cost: half a second for a latch without faults.

#include <quire/latch/page_latch.hpp>
#include <quire/testing/detail/latch_load.hpp>
#include <quire/testing/detail/latch_scene.hpp>

#include <type_traits>  // std::is_same_v

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
inline constexpr std::string_view interrupted =
    "interruptible: the wait gives up when look() is false, and gets in while it is true";
inline constexpr std::string_view downgrade =
    "downgradable: downgrade keeps writers out and lets readers in, even those that wait";
inline constexpr std::string_view pins =
    "pinning: a pin keeps try_lock_unpinned out, and nothing else";
inline constexpr std::string_view moves =
    "versioned: version moves with every exclusive section, even one that was downgraded";
inline constexpr std::string_view unchanged =
    "versioned: unchanged_since is false while a writer is in and after one was, else true";
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

/// More readers than a byte can count.
template <class Latch>
void check_crowd(latch_scene<Latch>& s) {
    {
        reader_crowd<Latch> const crowd{s, 256};
        s.need(crowd.all_in(), latch_rules::share, "256 at once");
        s.expect(s.is_refused(s.second, exclusive), latch_rules::reader, "256 are in");
    }
    s.expect(s.gets_in(s.second, exclusive), latch_rules::tries, "try_lock, after 256 readers");
}

/// `hold` is ended by `let_go` while two others wait; both must then get in. Readers stay in until
/// both are: else the first one would wake the other by leaving, even if `let_go` woke only one.
template <class Latch, class Hold, class LetGo, class Way>
void check_waking(latch_scene<Latch>& s, Hold hold, LetGo let_go, Way way, std::string_view rule,
                  std::string_view wakes) {
    for (int round = 0; round < 4; ++round) {
        std::atomic<int> in{0};
        std::atomic<bool> alone{false};
        s.first(hold);
        auto const wait = [&] {
            way.lock(s.latch);
            in.fetch_add(1, std::memory_order_relaxed);
            if constexpr (std::is_same_v<Way, shared_way>) {
                auto const end = std::chrono::steady_clock::now() + s.trial.wait_max;
                while (in.load(std::memory_order_relaxed) < 2 && !alone) {
                    alone = std::chrono::steady_clock::now() > end;
                    std::this_thread::sleep_for(std::chrono::microseconds{50});
                }
            }
            way.unlock(s.latch);
        };
        s.second.start(wait);
        s.third.start(wait);
        std::this_thread::sleep_for(std::chrono::milliseconds{5 * round});
        s.expect(in.load(std::memory_order_relaxed) == 0, rule, "it did not wait");
        s.first(let_go);
        s.second.finish();
        s.third.finish();
        s.need(!alone, wakes, "one of two");
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

template <interruptible Latch>
void check_interruptible(latch_scene<Latch>& s) {
    std::atomic<int> looks{0};
    std::atomic<bool> wanted{true};
    auto const look = [&] {
        ++looks;
        return wanted.load();
    };
    bool in = true;
    for (bool const shares : {false, true}) {
        auto const enter = [&, shares] {
            in = shares ? s.latch.try_lock_shared_for(s.trial.wait_max, look)
                        : s.latch.try_lock_for(s.trial.wait_max, look);
        };
        s.first([&] { s.latch.lock(); });
        wanted = true;
        looks = 0;
        s.second.start(enter);
        auto const end = std::chrono::steady_clock::now() + s.trial.wait_max;
        while (looks < 3 && std::chrono::steady_clock::now() < end) { std::this_thread::yield(); }
        wanted = false;
        s.second.finish();
        s.expect(!in && looks >= 3, latch_rules::interrupted, "look() was false");
        wanted = true;
        s.second.start(enter);
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
        s.first([&] { s.latch.unlock(); });
        s.second.finish();
        s.need(in, latch_rules::interrupted, "after unlock");
        s.second.tell([&] { shares ? s.latch.unlock_shared() : s.latch.unlock(); });
    }
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
    s.expect(s.is_refused(s.second, unpinned), latch_rules::pins, "it got in beside a reader");
    s.first([&] {
        s.latch.pin();
        s.latch.pin();
        s.latch.unlock_shared();
    });
    for (int pins = 2; pins > 0; --pins) {
        s.expect(s.is_refused(s.second, unpinned), latch_rules::pins, "it got in despite a pin");
        s.expect(s.gets_in(s.second, exclusive), latch_rules::pins, "a writer is kept out");
        s.expect(s.gets_in(s.second, shared), latch_rules::pins, "a reader is kept out");
        s.first([&] { s.latch.unpin(); });
    }
    s.expect(s.gets_in(s.second, unpinned), latch_rules::pins, "refused after the last unpin");
    s.first([&] { s.latch.lock(); });
    s.expect(s.is_refused(s.second, unpinned), latch_rules::pins, "it got in beside a writer");
    s.first([&] { s.latch.unlock(); });
}

/// A version is unchanged only when no exclusive section has begun or ended since it was read.
template <versioned Latch>
void check_unchanged(latch_scene<Latch>& s) {
    auto const before = s.latch.version();
    s.expect(s.latch.unchanged_since(before), latch_rules::unchanged, "false on a free latch");
    s.first([&] { s.latch.lock_shared(); });
    s.expect(s.latch.unchanged_since(before), latch_rules::unchanged, "false beside a reader");
    s.first([&] { s.latch.unlock_shared(); });
    s.expect(s.latch.unchanged_since(before), latch_rules::unchanged, "false after a reader");
    s.first([&] { s.latch.lock(); });
    auto const inside = s.latch.version();
    s.expect(!s.latch.unchanged_since(before), latch_rules::unchanged, "true beside a writer");
    s.expect(!s.latch.unchanged_since(inside), latch_rules::unchanged,
             "true beside the writer that read it");
    s.first([&] { s.latch.unlock(); });
    s.expect(!s.latch.unchanged_since(before), latch_rules::unchanged, "true after a writer");
    s.expect(!s.latch.unchanged_since(inside), latch_rules::unchanged,
             "true after the writer that read it");
}

template <versioned Latch>
void check_version(latch_scene<Latch>& s) {
    check_unchanged(s);
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
    if constexpr (pinning<Latch>) {
        auto const before_unpinned = s.latch.version();
        s.need(s.gets_in(s.second, unpinned), latch_rules::tries, "try_lock_unpinned");
        s.expect(s.latch.version() != before_unpinned, latch_rules::moves, "try_lock_unpinned");
    }
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
                     latch_rules::writer, latch_rules::wakes_writer);
    });
    run_scene<Latch>(found, trial, latch_rules::wakes_readers, [](scene& s) {
        check_waking(s, [&s] { s.latch.lock(); }, [&s] { s.latch.unlock(); }, shared,
                     latch_rules::writer, latch_rules::wakes_readers);
    });
    run_scene<Latch>(found, trial, latch_rules::last_reader, [](scene& s) {
        check_waking(s, [&s] { s.latch.lock_shared(); }, [&s] { s.latch.unlock_shared(); },
                     exclusive, latch_rules::reader, latch_rules::last_reader);
    });
    if constexpr (timed_latch<Latch>) {
        run_scene<Latch>(found, trial, latch_rules::timed, check_timed<Latch>);
    }
    if constexpr (interruptible<Latch>) {
        run_scene<Latch>(found, trial, latch_rules::interrupted, check_interruptible<Latch>);
    }
    if constexpr (downgradable<Latch>) {
        run_scene<Latch>(found, trial, latch_rules::downgrade, [](scene& s) {
            auto const let_go = [&s] {
                s.latch.downgrade();  // the readers that wait are let in before it ends
                s.second.finish();
                s.third.finish();
                s.latch.unlock_shared();
            };
            check_waking(s, [&s] { s.latch.lock(); }, let_go, shared, latch_rules::writer,
                         latch_rules::downgrade);
        });
    }
}

/// Notes whether a refinement is tried. `has_names`: the latch has a part of it.
inline void note_refinement(report& found, bool models, bool has_names, std::string_view name,
                            std::string_view has) {
    if (models) { return found.note_checked(name); }
    found.note_unchecked(name, has_names ? has : "the latch does not offer it");
}

template <page_latch Latch>
void note_concepts(report& found) {
    found.note_checked("page_latch");
    note_refinement(found, timed_latch<Latch>,
                    requires(Latch latch, std::chrono::milliseconds d) { latch.try_lock_for(d); } ||
                        requires(Latch latch, std::chrono::milliseconds d) {
                            latch.try_lock_shared_for(d);
                        },
                    "timed_latch",
                    "the latch has a part of it, but not try_lock_for and try_lock_shared_for that "
                    "take std::chrono::nanoseconds and return bool");
    note_refinement(found, interruptible<Latch>, false, "interruptible", {});
    note_refinement(found, downgradable<Latch>, false, "downgradable", {});
    note_refinement(found, pinning<Latch>,
                    requires(Latch latch) { latch.pin(); } ||
                        requires(Latch latch) { latch.try_lock_unpinned(); },
                    "pinning",
                    "the latch has a part of it, but not pin, unpin, and try_lock_unpinned that "
                    "returns bool");
    note_refinement(found, versioned<Latch>, requires(Latch latch) { latch.version(); },
                    "versioned",
                    "the latch has version, but not const version and unchanged_since(v) that "
                    "return std::uint32_t and bool");
}

/// The trial of a latch that says `one_thread` has one thread.
template <class Latch>
[[nodiscard]] latch_trial trial_for(latch_trial trial) {
    if constexpr (requires { requires Latch::one_thread; }) { trial.threads = 1; }
    return trial;
}

template <page_latch Latch>
void check_latch(report& found, latch_trial const& trial) {
    note_concepts<Latch>(found);
    run_scene<Latch>(found, trial, latch_rules::tries, check_scripted_holds<Latch>);
    run_scene<Latch>(found, trial, latch_rules::share, check_crowd<Latch>);
    if constexpr (downgradable<Latch>) {
        run_scene<Latch>(found, trial, latch_rules::downgrade, check_downgrade<Latch>);
    }
    if constexpr (pinning<Latch>) {
        run_scene<Latch>(found, trial, latch_rules::pins, check_pins<Latch>);
    }
    if constexpr (versioned<Latch>) {
        run_scene<Latch>(found, trial, latch_rules::moves, check_version<Latch>);
    }
    if (trial.threads > 1) {
        check_waits<Latch>(found, trial);
        check_load<Latch>(found, trial);
    } else {
        found.note_unchecked("what waits, and what is under load", "it is a latch of one thread");
    }
}

}  // namespace detail

/// `Latch` models page_latch. See latch_trial for the options of the check.
template <class Latch>
report check_latch(latch_trial const& trial = {}) {
    static_assert(page_latch<Latch>, "the parameter of check_latch models quire::page_latch");
    report found;
    if constexpr (page_latch<Latch>) {
        detail::check_latch<Latch>(found, detail::trial_for<Latch>(trial));
    }
    return found;
}

}  // namespace quire::inline QUIRE_ABI::testing
