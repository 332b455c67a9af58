// SPDX-License-Identifier: BSL-1.0
#pragma once

/// backend_hand_outs: the part of check_backend that looks at when ops are handed out, how often,
/// and to which thread.

#include <quire/testing/detail/actor.hpp>
#include <quire/testing/detail/backend_parts.hpp>

#include <thread>  // std::this_thread

namespace quire::inline QUIRE_ABI::testing::detail {

template <file_backend Backend>
class backend_hand_outs : backend_parts<Backend> {
    using parts = backend_parts<Backend>;
    using parts::b_;
    using parts::done;
    using parts::found_;
    using parts::part;
    using parts::reading;
    using parts::writing;
    using typename parts::fresh;
    using typename parts::op;
    using typename parts::ops;
    using clock = std::chrono::steady_clock;

public:
    backend_hand_outs(report& found, typename parts::bench& b) : parts{found, b, "-h"} {}

    void run() {
        part(backend_rules::reap, [this] { reaps_nothing(); });
        part(backend_rules::room, [this] { reaps_one_by_one(); });
        part(backend_rules::left_alone, [this] { leaves_ops_alone(); });
        part(backend_rules::foreign, [this] { reaps_for_others(); });
        part(backend_rules::interrupt, [this] { interrupts(); });
    }

private:
    static constexpr std::chrono::milliseconds soon{500};  // much more than a reap takes
    static constexpr std::chrono::milliseconds late{2000};

    /// Whether `act` is over soon in one of three tries: the machine may be slow, too.
    template <class Act>
    [[nodiscard]] static bool is_soon(Act act) {
        bool over = false;
        for (int tries = 0; tries < 3 && !over; ++tries) {
            auto const begin = clock::now();
            act();
            over = clock::now() - begin < soon;
        }
        return over;
    }

    void reaps_nothing() {
        found_.expect(done({}).empty(), backend_rules::handed_out, "an empty batch");
        using std::chrono::milliseconds;
        for (auto const wait : {milliseconds{0}, milliseconds{20}, late}) {
            found_.expect(is_soon([&] {
                              found_.expect(b_.reap(wait) == 0, backend_rules::reap, "not 0");
                          }),
                          backend_rules::reap, "half a second without ops");
        }
    }

    /// `count` ops on pages from `page` on, with the frames of the same numbers.
    [[nodiscard]] std::span<op> batch(io_verb verb, typename parts::bench::file_type& file,
                                      std::size_t page, std::size_t count) {
        ops made;
        for (auto p = page; p < page + count; ++p) { made.push_back(b_.page_op(verb, file, p, p)); }
        return b_.keep(std::move(made));
    }

    void reaps_one_by_one() {
        constexpr std::size_t pages = 40;
        fresh made{*this, pages};
        auto const writes = batch(writing, made.file, 0, pages);
        static_cast<void>(b_.submit(writes));
        if (!b_.reap_all(writes, 1)) { throw stuck{}; }
        found_.expect(b_.reap(std::chrono::nanoseconds{0}, 1) == 0, backend_rules::once,
                      "after the last one");
    }

    void leaves_ops_alone() {
        constexpr std::size_t pages = 8;
        fresh made{*this, 2 * pages};
        for (std::size_t f = 0; f < 2 * pages; ++f) { b_.fill(f); }
        auto const writes = batch(writing, made.file, 0, pages);
        auto const reads = batch(reading, made.file, pages, pages);
        for (auto const each : {reads, writes}) {  // no call between a write and what follows
            static_cast<void>(b_.submit(each));
            if (!b_.reap_all(each)) { throw stuck{}; }
        }
        // The caller uses ops and frames again, for something else.
        constexpr std::size_t kept = 100;  // frames: what the writes wrote, then the new bytes
        for (std::size_t f = 0; f < pages; ++f) { copy(f, kept + f); }
        auto const changed = b_.page_op(reading, made.file, 2 * pages + 1, 290);
        for (auto const each : {writes, reads}) { std::fill(each.begin(), each.end(), changed); }
        for (std::size_t f = 0; f < 2 * pages; ++f) {
            b_.fill(f);
            copy(f, kept + pages + f);
        }
        move_other_pages(made.file, 2 * pages - 1);
        for (std::size_t f = 0; f < 2 * pages; ++f) {
            found_.expect(b_.same(f, kept + pages + f), backend_rules::left_alone, "its bytes");
        }
        for (auto const each : {writes, reads}) {
            for (auto const& one : each) {
                bool const same = one.verb == changed.verb && one.file == changed.file &&
                                  one.offset == changed.offset && one.error == changed.error &&
                                  one.bytes.data() == changed.bytes.data() &&
                                  one.bytes.size() == changed.bytes.size();
                found_.expect(same, backend_rules::left_alone, "the op");
            }
        }
        for (std::size_t page = 0; page < pages; ++page) {
            found_.expect(b_.reads_as(made.file, page, kept + page), backend_rules::left_alone,
                          "bytes that were changed after a write");
        }
    }
    void copy(std::size_t from, std::size_t to) {
        std::copy_n(b_.frame(from).begin(), b_.trial.page_size, b_.frame(to).begin());
    }
    /// Gives the backend time, and calls, in which it could touch something.
    void move_other_pages(typename parts::bench::file_type& file, std::uint64_t page) {
        for (int times = 0; times < 3; ++times) {
            found_.expect(b_.write(file, page, 280) == 0 && b_.read(file, page, 281) == 0,
                          backend_rules::read_back, "after other transfers");
            static_cast<void>(b_.reap(std::chrono::milliseconds{1}));
            std::this_thread::sleep_for(std::chrono::milliseconds{3});
        }
        found_.expect(b_.backend.sync(file) == 0, backend_rules::sync);
    }

    /// Two threads submit and a third one reaps; then two submit, and one of them reaps.
    void reaps_for_others() {
        constexpr std::size_t pages = 20;
        fresh made{*this, 4 * pages};
        for (std::size_t f = 0; f < 4 * pages; ++f) { b_.fill(f); }
        actor one{true};
        actor two{true};
        actor three{true};
        for (std::size_t first : {std::size_t{0}, 2 * pages}) {
            auto const ones = batch(writing, made.file, first, pages);
            auto const twos = batch(writing, made.file, first + pages, pages);
            one.start([&] { static_cast<void>(b_.submit(ones)); });
            two.start([&] { static_cast<void>(b_.submit(twos)); });
            one.finish();
            two.finish();
            auto& reaper = first == 0 ? three : one;
            found_.expect(reaper.ask([&] { return b_.reap_all(twos) && b_.reap_all(ones); }),
                          backend_rules::foreign, first == 0 ? "a third thread" : "one of two");
            // If it did not, those that submitted may.
            bool const ended = one.ask([&] { return b_.reap_all(ones); }) &&
                               two.ask([&] { return b_.reap_all(twos); });
            if (!ended) { throw stuck{}; }
        }
        for (std::size_t page = 0; page < 4 * pages; ++page) {
            found_.expect(b_.reads_as(made.file, page, page), backend_rules::foreign, "bytes");
        }
    }

    void interrupts() {
        fresh made{*this, 1};
        std::vector<std::span<op>> writes;
        auto const one_op = [&] {
            writes.push_back(batch(writing, made.file, 0, 1));
            static_cast<void>(b_.submit(writes.back()));
        };
        auto const no_op = [&] {
            for (auto const each : writes) {
                if (!b_.reap_all(each)) { throw stuck{}; }
            }
        };
        found_.expect(is_soon([&] {
                          one_op();
                          b_.backend.interrupt();
                          static_cast<void>(b_.reap(late));
                      }),
                      backend_rules::interrupt, "the next one");
        no_op();
        actor other{true};
        found_.expect(is_soon([&] {
                          one_op();
                          other.start([&] { static_cast<void>(b_.reap(late)); });
                          std::this_thread::sleep_for(std::chrono::milliseconds{20});
                          b_.backend.interrupt();
                          other.finish();
                      }),
                      backend_rules::interrupt, "the one that waits");
        no_op();
    }
};

}  // namespace quire::inline QUIRE_ABI::testing::detail
