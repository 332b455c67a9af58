// SPDX-License-Identifier: BSL-1.0
#pragma once

/// choices: what an exercise does next, and what became of it.
///
/// `choices` is a stream of numbers: bytes that somebody gave, a fuzzer for one, and when these
/// have run out the numbers that follow from a seed. The same bytes and seed are the same numbers.
///
/// `outcome` counts answers and errors. A view that is asked for something may do two things:
/// answer, or throw one of the errors that page views have. Whatever else is seen to be wrong is a
/// `finding`, which nobody catches: it fails a Catch2 test, and ends a fuzz target.

#include <quire/base/error.hpp>

#include <cstddef>    // std::byte
#include <cstdint>    // std::uint64_t
#include <span>       // std::span
#include <stdexcept>  // std::logic_error
#include <string>     // std::string

namespace quire_test {

/// How many times longer an error takes in this build, about: the address sanitizer looks through
/// its fake stacks at each. Tests do so much less in their usual form.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr std::uint64_t error_cost = 16;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr std::uint64_t error_cost = 16;
#else
inline constexpr std::uint64_t error_cost = 1;
#endif
#else
inline constexpr std::uint64_t error_cost = 1;
#endif

class choices {
public:
    explicit choices(std::span<std::byte const> bytes, std::uint64_t seed = 0)
        : bytes_{bytes}, state_{seed} {}
    explicit choices(std::uint64_t seed) : choices{{}, seed} {}

    /// A number in [0, end), of one byte of the stream, or of two. Expects: 0 < end <= 65536.
    std::size_t below(std::size_t end) {
        std::size_t number = byte();
        if (end > 256) { number = number << 8 | byte(); }
        return number % end;
    }
    /// A number in [first, last].
    std::size_t between(std::size_t first, std::size_t last) {
        return first + below(last - first + 1);
    }
    /// True `times` times in `of`.
    bool chance(std::size_t times, std::size_t of) { return below(of) < times; }
    /// Any 64 bits.
    std::uint64_t bits() {
        std::uint64_t number = 0;
        for (int i = 0; i < 8; ++i) { number = number << 8 | byte(); }
        return number;
    }
    /// `size` lower-case letters.
    std::string text(std::size_t size) {
        std::string letters(size, static_cast<char>('a' + below(26)));
        for (std::size_t i = 0; i < size; i += 8) {
            letters[i] = static_cast<char>('a' + below(26));
        }
        return letters;
    }

private:
    std::uint8_t byte() {
        if (at_ < bytes_.size()) { return std::to_integer<std::uint8_t>(bytes_[at_++]); }
        state_ += 0x9E37'79B9'7F4A'7C15U;  // splitmix64
        std::uint64_t mixed = (state_ ^ (state_ >> 30)) * 0xBF58'476D'1CE4'E5B9U;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D0'49BB'1331'11EBU;
        return static_cast<std::uint8_t>(mixed >> 56);
    }

    std::span<std::byte const> bytes_;
    std::size_t at_ = 0;
    std::uint64_t state_;
};

/// Something that no bytes may bring about.
struct finding : std::logic_error {
    using std::logic_error::logic_error;
};

inline void require(bool holds, char const* what) {
    if (!holds) { throw finding{what}; }
}

struct outcome {
    std::uint64_t answers = 0;
    std::uint64_t errors = 0;
    std::uint64_t sum = 0;  ///< of all that was answered, so that it is really read

    /// Whether `fn` answered, with a number.
    template <class Fn>
    bool ask(Fn&& fn) {
        try {
            sum += static_cast<std::uint64_t>(fn());
            ++answers;
            return true;
        } catch (quire::error const& e) {
            ++errors;
            require(is_of_a_view(e.kind()), "a view has thrown an error that views do not have");
            return false;
        }
    }

private:
    [[nodiscard]] static bool is_of_a_view(quire::errc kind) {
        return kind == quire::errc::corrupt_page || kind == quire::errc::no_such_tuple ||
               kind == quire::errc::row_mismatch || kind == quire::errc::tuple_too_large;
    }
};

/// A sum over bytes, each of them read; the order counts.
[[nodiscard]] inline std::uint64_t digest(std::span<std::byte const> bytes) {
    std::uint64_t sum = bytes.size();
    for (std::byte b : bytes) { sum = sum * 0x100'0000'01B3U + std::to_integer<unsigned>(b); }
    return sum;
}

}  // namespace quire_test

using quire_test::choices;
using quire_test::outcome;
