// SPDX-License-Identifier: BSL-1.0
#pragma once

/// random: seeded random numbers that can be replayed, for model and stress tests.
///
/// `generator` is the plain source; worker threads make one each, from a seed of their own.
/// `test_random` is the one that a test case declares: its seed is the number in the environment
/// variable QUIRE_TEST_SEED, or else `default_seed`, and Catch2 prints it with every failure.
///
/// The numbers depend on the seed alone, not on the standard library: its distributions are not
/// the same everywhere, so they are not used.
///
/// Threads: a generator belongs to one thread; a test_random to the thread of its test case.

#include "catch.hpp"

#include <cstddef>    // std::size_t, std::byte
#include <cstdint>    // std::uint64_t
#include <cstdlib>    // std::getenv
#include <random>     // std::mt19937_64
#include <span>       // std::span
#include <stdexcept>  // std::invalid_argument
#include <string>     // std::string

namespace quire_test {

inline constexpr std::uint64_t default_seed = 20'260'101;

class generator {
public:
    explicit generator(std::uint64_t seed) : seed_{seed}, engine_{seed} {}

    [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

    /// Any 64 bits.
    std::uint64_t bits() { return engine_(); }

    /// A number in [0, end). Expects: end > 0. The bias of the remainder is of no account here.
    std::uint64_t below(std::uint64_t end) { return engine_() % end; }

    /// A number in [first, last].
    std::uint64_t between(std::uint64_t first, std::uint64_t last) {
        return first + below(last - first + 1);
    }

    /// True `times` times in `of`.
    bool chance(std::uint64_t times, std::uint64_t of) { return below(of) < times; }

    /// An element of a range that has size() and operator[]. Expects: not empty.
    template <class Range>
    decltype(auto) pick(Range&& range) {
        return range[static_cast<std::size_t>(below(range.size()))];
    }

    /// Fills `out` with random bytes.
    void fill(std::span<std::byte> out) {
        for (auto& byte : out) { byte = static_cast<std::byte>(engine_() >> 56); }
    }

    /// `size` lower-case letters.
    std::string text(std::size_t size) {
        std::string letters(size, 'a');
        for (auto& letter : letters) { letter = static_cast<char>('a' + below(26)); }
        return letters;
    }

private:
    std::uint64_t seed_;
    std::mt19937_64 engine_;
};

/// The seed of this run.
inline std::uint64_t test_seed() {
    char const* text = std::getenv("QUIRE_TEST_SEED");
    if (text == nullptr || *text == '\0') { return default_seed; }
    std::size_t used = 0;
    auto seed = std::stoull(text, &used, 0);
    if (text[used] != '\0') { throw std::invalid_argument{"QUIRE_TEST_SEED is not a number"}; }
    return seed;
}

class test_random : public generator {
public:
    explicit test_random(std::uint64_t seed = test_seed())
        : generator{seed},
          note_{Catch::MessageBuilder{Catch::StringRef{"INFO", 4}, CATCH_INTERNAL_LINEINFO,
                                      Catch::ResultWas::Info}
                << "replay with QUIRE_TEST_SEED=" << seed} {}

    test_random(test_random const&) = delete;
    test_random& operator=(test_random const&) = delete;

private:
    Catch::ScopedMessage note_;  // printed when the test fails while this object lives
};

}  // namespace quire_test

using quire_test::generator;
using quire_test::test_random;
