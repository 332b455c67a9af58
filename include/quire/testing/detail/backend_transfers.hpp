// SPDX-License-Identifier: BSL-1.0
#pragma once

/// backend_transfers: the part of check_backend that looks at bytes and at errors of transfers.

#include <quire/testing/detail/backend_parts.hpp>

#include <atomic>  // std::atomic
#include <thread>  // std::thread

namespace quire::inline QUIRE_ABI::testing::detail {

template <file_backend Backend>
class backend_transfers : backend_parts<Backend> {
    using parts = backend_parts<Backend>;
    using parts::b_;
    using parts::done;
    using parts::found_;
    using parts::part;
    using parts::reading;
    using parts::writing;
    using typename parts::fresh;
    using typename parts::ops;

public:
    backend_transfers(report& found, typename parts::bench& b) : parts{found, b, "-t"} {}

    void run() {
        part(backend_rules::read_back, [this] { reads_what_was_written(); });
        part(backend_rules::own_bytes, [this] { mixes_reads_and_writes(); });
        part(backend_rules::past_end, [this] { ends(); });
        part(backend_rules::threads, [this] { submits_from_threads(); });
        if constexpr (blocking_backend<Backend>) {
            part(backend_rules::blocking, [this] { transfers_here(); });
        }
    }

private:
    void reads_what_was_written() {
        constexpr std::size_t pages = 200;  // more than travel in one call
        auto const place = [](std::size_t p) { return p < 150 ? p : 2 * p - 149; };  // then gaps
        fresh made{*this, 2 * pages};
        fresh other{*this, 260, "-other"};
        ops batch;
        for (std::size_t p = 0; p < pages + 10; ++p) {
            b_.fill(1 + p);
            batch.push_back(p < pages ? b_.page_op(writing, made.file, place(p), 1 + p)
                                      : b_.page_op(writing, other.file, 50 + p, 1 + p));
        }
        found_.expect(done(batch) == std::vector<int>(batch.size(), 0), backend_rules::read_back,
                      "an error of a write");
        found_.expect(b_.backend.sync(made.file) == 0, backend_rules::sync);
        bool same = true;
        for (std::size_t p = 0; p < pages; ++p) {
            same = same && b_.reads_as(made.file, place(p), 1 + p);
        }
        found_.expect(same, backend_rules::read_back, "read alone");
        for (std::size_t p = 0; p < 10; ++p) {
            same = same && b_.reads_as(other.file, 250 + p, 201 + p);
        }
        found_.expect(same, backend_rules::read_back, "another file of the batch");
        found_.expect(b_.reads_zero(made.file, 152), backend_rules::own_bytes, "between two pages");

        ops reads;  // into frames in another order
        for (std::size_t p = 0; p < 40; ++p) {
            reads.push_back(b_.page_op(reading, made.file, p, 230 + p * 7 % 40));
        }
        found_.expect(done(reads) == std::vector<int>(40, 0), backend_rules::read_back,
                      "an error of a read");
        for (std::size_t p = 0; p < 40; ++p) {
            found_.expect(b_.same(230 + p * 7 % 40, 1 + p), backend_rules::read_back,
                          "read with its neighbours");
        }
    }

    void mixes_reads_and_writes() {
        fresh made{*this, 5};
        for (std::size_t f = 1; f <= 6; ++f) { b_.fill(f); }
        found_.need(b_.write(made.file, 2, 3) == 0, backend_rules::read_back, "a write");
        ops const batch{b_.page_op(writing, made.file, 1, 1), b_.page_op(reading, made.file, 2, 11),
                        b_.page_op(writing, made.file, 3, 5)};
        for (std::size_t f : {10U, 12U}) {
            std::copy_n(b_.frame(6).begin(), b_.trial.page_size, b_.frame(f).begin());
        }
        found_.expect(done(batch) == std::vector<int>(3, 0), backend_rules::own_bytes, "an error");
        found_.expect(b_.same(11, 3) && b_.reads_as(made.file, 1, 1) &&
                          b_.reads_as(made.file, 2, 3) && b_.reads_as(made.file, 3, 5),
                      backend_rules::own_bytes, "reads and writes of one batch");
        found_.expect(b_.same(10, 6) && b_.same(12, 6), backend_rules::own_bytes,
                      "memory beside a read");
        found_.expect(b_.reads_zero(made.file, 0) && b_.reads_zero(made.file, 4),
                      backend_rules::own_bytes, "the file beside a write");
    }

    void ends() {
        fresh made{*this, 3};
        for (std::size_t p = 0; p < 3; ++p) {
            b_.fill(10 + p);
            found_.need(b_.write(made.file, p, 10 + p) == 0, backend_rules::read_back, "a write");
        }
        ops batch;
        for (std::size_t p = 0; p < 6; ++p) {
            batch.push_back(b_.page_op(reading, made.file, p, 1 + p));
        }
        std::vector<int> const expected{0, 0, 0, io_ended, io_ended, io_ended};
        found_.expect(done(batch) == expected, backend_rules::past_end, "neighbours across it");
        for (std::size_t p = 0; p < 3; ++p) {
            found_.expect(b_.same(1 + p, 10 + p), backend_rules::past_end, "a neighbour's bytes");
        }
        auto const far = (std::uint64_t{1} << 52) / b_.trial.page_size;
        found_.expect(b_.read(made.file, far, 1) == io_ended, backend_rules::past_end, "far away");
        found_.expect(made.file.size() == 3 * b_.trial.page_size, backend_rules::past_end, "size");

        auto const page = b_.trial.page_size;
        for (std::size_t const tail : {std::size_t{1}, page / 2 - 1, page / 2, page - 1}) {
            found_.need(b_.resize(made.file, 2) == 0 &&
                            b_.backend.resize(made.file, page + tail) == 0,
                        backend_rules::resize, "within a page");
            std::vector<int> const half{0, io_ended};
            found_.expect(done({b_.page_op(reading, made.file, 0, 1),
                                b_.page_op(reading, made.file, 1, 2)}) == half,
                          backend_rules::part, "with its neighbour");
            found_.expect(b_.read(made.file, 1, 1) == io_ended, backend_rules::part);
        }
    }

    void transfers_here() {
        fresh made{*this, 5};
        for (std::size_t f = 1; f <= 3; ++f) { b_.fill(f); }
        std::vector<int> const good(3, 0);
        bool const written = b_.transfer({b_.page_op(writing, made.file, 1, 1),
                                          b_.page_op(writing, made.file, 2, 2),
                                          b_.page_op(writing, made.file, 4, 3)}) == good;
        found_.expect(written && b_.reads_as(made.file, 1, 1) && b_.reads_as(made.file, 2, 2) &&
                          b_.reads_as(made.file, 4, 3),
                      backend_rules::blocking, "writes");
        std::vector<int> const last_is_missing{0, 0, io_ended};
        found_.expect(b_.transfer({b_.page_op(reading, made.file, 2, 12),
                                   b_.page_op(reading, made.file, 4, 13),
                                   b_.page_op(reading, made.file, 5, 14)}) == last_is_missing &&
                          b_.same(12, 2) && b_.same(13, 3),
                      backend_rules::blocking, "reads");
        found_.expect(b_.reap(std::chrono::milliseconds{20}) == 0, backend_rules::blocking,
                      "reap hands them out");
    }

    void submits_from_threads() {
        constexpr std::size_t threads = 3;
        constexpr std::size_t pages = 20;  // of each
        fresh made{*this, threads * pages};
        for (std::size_t f = 0; f < threads * pages; ++f) { b_.fill(f); }
        std::atomic<int> wrong{0};
        std::atomic<bool> any_stuck{false};
        std::vector<std::thread> crew;
        for (std::size_t t = 0; t < threads; ++t) {
            crew.emplace_back([&, t] {
                try {
                    for (auto const verb : {writing, reading}) {
                        ops batch;
                        for (std::size_t p = t * pages; p < (t + 1) * pages; ++p) {
                            auto const f = verb == writing ? p : 100 + p;
                            batch.push_back(b_.page_op(verb, made.file, p, f));
                        }
                        wrong += done(std::move(batch)) == std::vector<int>(pages, 0) ? 0 : 1;
                        wrong += b_.backend.sync(made.file) == 0 ? 0 : 1;
                    }
                } catch (stuck const&) { any_stuck = true; }
            });
        }
        for (auto& thread : crew) { thread.join(); }
        if (any_stuck) { throw stuck{}; }
        found_.expect(wrong == 0, backend_rules::threads, "an error");
        for (std::size_t f = 0; f < threads * pages; ++f) {
            found_.expect(b_.same(f, 100 + f), backend_rules::threads, "bytes");
        }
    }
};

}  // namespace quire::inline QUIRE_ABI::testing::detail
