// SPDX-License-Identifier: BSL-1.0
#pragma once

/// replay: a trace of page numbers in a real pool of each policy, over memory.

#include <quire/quire.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace quire_bench {

using trace = std::vector<std::uint64_t>;

/// The trace with its pages renumbered 0, 1, 2, ... in the order in which they first occur. That
/// makes no difference to any policy, and the file is as small as possible.
[[nodiscard]] inline trace renumbered(trace const& original) {
    trace dense;
    dense.reserve(original.size());
    std::unordered_map<std::uint64_t, std::uint64_t> numbers;
    for (auto const no : original) {
        dense.push_back(numbers.try_emplace(no, numbers.size()).first->second);
    }
    return dense;
}

/// The misses of a pool with `Policy`: one thread, each page read and released. No more frames are
/// made than there are pages. Expects: a renumbered trace, and at least one frame.
template <class Policy>
[[nodiscard]] std::uint64_t misses(trace const& dense, std::size_t frames) {
    constexpr std::size_t page_size = 512;  // the smallest: the bytes do not matter here
    std::uint64_t pages = 0;
    for (auto const no : dense) { pages = std::max(pages, no + 1); }
    auto const store = std::make_shared<quire::memory_store>();
    store->assign("trace", std::vector<std::byte>(pages * page_size));
    quire::buffer_pool<page_size, Policy, quire::no_latch, quire::memory_backend> pool{
        {.frames = std::min<std::size_t>(frames, pages), .backend = {store}}};
    auto const file =
        pool.open("trace", quire::open_mode::read_only, {.seal = quire::no_seal});
    for (auto const no : dense) {
        auto const page = file.read(no);
        static_cast<void>(page.id());
    }
    return file.stats().misses;
}

struct named_policy {
    std::string_view name;
    std::uint64_t (*misses)(trace const& dense, std::size_t frames);
};

inline constexpr std::array policies{
    named_policy{"lru", misses<quire::lru>},
    named_policy{"clock", misses<quire::clock>},
    named_policy{"sieve", misses<quire::sieve>},
    named_policy{"s3_fifo", misses<quire::s3_fifo>},
};

}  // namespace quire_bench
