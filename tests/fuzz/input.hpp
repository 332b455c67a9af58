// SPDX-License-Identifier: BSL-1.0
#pragma once

/// input: what the bytes of a fuzzer mean to the targets here.
///
///     0    1   how the bytes are taken: bit 0, the page's size; bit 1, whether it is repaired; the
///              rest is the target's
///     1   32   choices: what is done (page/choices.hpp)
///    33   ..   the page, or the row; what a page lacks is zeros
///
/// The choices stand in front, so that a page's end may be missing: short inputs change faster.

#include "page/choices.hpp"

#include <algorithm>  // std::min
#include <cstring>    // std::memcpy
#include <vector>     // std::vector

namespace quire_test {

struct fuzz_input {
    static constexpr std::size_t choices_at = 1;
    static constexpr std::size_t content_at = 33;

    fuzz_input(std::uint8_t const* data, std::size_t size) {
        std::span const all = std::as_bytes(std::span{data, size});
        how = all.empty() ? 0U : std::to_integer<unsigned>(all[0]);
        std::size_t const choices_end = std::min(size, content_at);
        if (size > choices_at) { chosen = all.subspan(choices_at, choices_end - choices_at); }
        if (size > content_at) { content = all.subspan(content_at); }
    }

    [[nodiscard]] bool is_large() const { return (how & 1U) != 0; }
    [[nodiscard]] bool is_repaired() const { return (how & 2U) != 0; }
    [[nodiscard]] choices stream() const { return choices{chosen, digest(chosen)}; }

    /// The content in an allocation of its own and of exactly `size` bytes.
    [[nodiscard]] std::vector<std::byte> page(std::size_t size) const {
        std::vector<std::byte> bytes(size);
        std::size_t const copied = std::min(size, content.size());
        if (copied > 0) { std::memcpy(bytes.data(), content.data(), copied); }
        return bytes;
    }

    unsigned how = 0;
    std::span<std::byte const> chosen{};
    std::span<std::byte const> content{};
};

}  // namespace quire_test
