// SPDX-License-Identifier: BSL-1.0
#pragma once

/// bench: a backend, its arena, and short ways to use them. For one thread at a time.

#include <quire/io/file_backend.hpp>
#include <quire/memory/arena.hpp>

#include "catch.hpp"
#include "pool/calls.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace quire_test {

inline constexpr std::size_t page_bytes = 4096;

/// A backend, its arena, and short ways to use them.
template <quire::file_backend Backend>
class bench {
public:
    using file = typename Backend::file;
    using op = quire::io_op<file>;

    explicit bench(typename Backend::options const& options = {}, std::size_t frames = 300)
        : frames_{frames, page_bytes, quire::huge_pages::off},
          backend{frames_.bytes(), options} {}

    [[nodiscard]] std::span<std::byte> frame(std::size_t f) const {
        return frames_.frame(static_cast<quire::frame_no>(f));
    }

    /// An op on page `page` with frame `f`, with a result that is certainly stale.
    [[nodiscard]] op page_op(quire::io_verb verb, file& of, std::uint64_t page,
                             std::size_t f) const {
        return {verb, &of, page * page_bytes, frame(f), -77};
    }

    /// Submits the ops, and returns how many `submit` has handed out: pointers to them stand in
    /// front of `pointers`.
    std::size_t submit(std::span<op> ops, std::vector<op*>& pointers) {
        pointers.clear();
        for (auto& each : ops) { pointers.push_back(&each); }
        return backend.submit(pointers);
    }
    /// Does the ops, and returns their errors. A test failure when one is not handed out at last.
    std::vector<int> run(std::vector<op> ops) {
        std::vector<op*> pointers;
        auto handed_out = submit(ops, pointers);
        for (int tries = 0; handed_out < ops.size() && tries < 1000; ++tries) {
            handed_out += backend.reap(pointers, std::chrono::milliseconds{10});
        }
        REQUIRE(handed_out == ops.size());
        std::vector<int> errors;
        for (auto const& each : ops) { errors.push_back(each.error); }
        return errors;
    }
    int read(file& of, std::uint64_t page, std::size_t f) {
        return run({page_op(quire::io_verb::read, of, page, f)})[0];
    }
    int write(file& of, std::uint64_t page, std::size_t f) {
        return run({page_op(quire::io_verb::write, of, page, f)})[0];
    }
    /// The page as it stands in the file, read into frame 0.
    std::vector<std::byte> content(file& of, std::uint64_t page) {
        std::ranges::fill(frame(0), std::byte{0x5A});
        REQUIRE(read(of, page, 0) == 0);
        return {frame(0).begin(), frame(0).end()};
    }

private:
    quire::arena frames_;

public:
    Backend backend;
};

inline bool is_zero(std::span<std::byte const> bytes) {
    return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

}  // namespace quire_test
