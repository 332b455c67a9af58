// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Two logged files and their log, for tests that let disks fail: in changes.model.cpp here, and in
/// faults/.

#include <quire/io/memory_backend.hpp>
#include <quire/pool/change.hpp>
#include <quire/testing/crash_backend.hpp>

#include "random.hpp"

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quire_test {

inline constexpr std::size_t logged_page_size = 1024;  // two sectors
inline constexpr std::array<char const*, 2> logged_names{"a", "b"};

template <class Backend>
using logged_pool =
    quire::buffer_pool<logged_page_size, quire::s3_fifo, quire::hybrid_latch, Backend>;

/// What both files have: of each page four arrays, two in each sector. A new number becomes the
/// first of an array, the last one goes: so the log has moves.
inline constexpr std::size_t arrays = 4;
inline constexpr std::size_t array_size = 12;
using page_content = std::array<std::uint64_t, arrays * array_size>;
using content = std::array<std::vector<page_content>, 2>;
constexpr std::size_t place_of(std::size_t number) {
    return 64 + number / array_size * 256 + number % array_size * 8;
}
/// `number` into an array, in memory and on the page. One without a number is filled with others.
inline void push(page_content& to, std::size_t array, std::uint64_t number, auto const& bytes) {
    auto* const first = to.data() + array * array_size;
    for (auto i = array_size - 1; i > 0; --i) {
        first[i] = *first == 0 ? (number + i) * 0x9E37'79B9'7F4A'7C15 : first[i - 1];
    }
    *first = number;
    for (std::size_t i = 0; i < array_size; ++i) {
        bytes.template store<std::uint64_t>(place_of(array * array_size + i), first[i]);
    }
}

/// A log, a pool and the two files.
template <class Backend>
class logged_engine {
public:
    using pool_type = logged_pool<Backend>;
    using change_type = quire::change<pool_type>;

    explicit logged_engine(typename Backend::options const& disk)
        : log{"log", {.bytes = 40 * 4096, .buffer_bytes = 32 << 10, .backend = disk}},
          pool{{.frames = 4, .files_max = 2, .file_pages_max = 64,
                .on_loss = [](std::string const&, quire::error const&) {}, .backend = disk},
               log} {}
    void open(std::size_t which) {
        files[which].emplace(pool.open(logged_names[which], quire::open_mode::open_or_create,
                                       {.logged = true}));
    }
    void open_both() {
        try {
            open(0);
        } catch (quire::error const& why) {  // first what is left over: it takes the log's room
            if (why.code() != quire::errc::log_full) { throw; }
            open(1);
            return open(0);
        }
        open(1);
    }
    /// Nothing that is in memory is written any more.
    void die() {
        for (auto& file : files) {
            if (file) { file->close(quire::unwritten::discard); }
        }
    }
    [[nodiscard]] content found() const {
        content all;
        for (std::size_t f = 0; f < 2; ++f) {
            for (std::uint64_t no = 0; no < files[f]->pages(); ++no) {
                auto const page = files[f]->read(no);
                page_content& one = all[f].emplace_back();
                for (std::size_t i = 0; i < one.size(); ++i) {
                    one[i] = page->bytes().template load<std::uint64_t>(place_of(i));
                }
            }
        }
        return all;
    }

    quire::redo_log<Backend> log;
    pool_type pool;
    std::array<std::optional<typename pool_type::file>, 2> files;
};

/// What a crash leaves: a file's bytes by its name.
using disk_state = std::map<std::string, std::vector<std::byte>>;

/// How many there are; 2^64 - 1 if that or more.
inline std::uint64_t count_of(std::map<std::string, quire::testing::crash_states> const& left) {
    std::uint64_t product = 1;
    for (auto const& [name, states] : left) {
        if (__builtin_mul_overflow(product, states.count(), &product)) {
            return ~std::uint64_t{0};
        }
    }
    return product;
}
/// One of them. Expects: n < count_of(left).
inline disk_state state_of(std::map<std::string, quire::testing::crash_states> const& left,
                           std::uint64_t n) {
    disk_state chosen;
    for (auto const& [name, states] : left) {
        chosen.emplace(name, states.state(n % states.count()));
        n /= states.count();
    }
    return chosen;
}
/// Nothing that was not synced is there, or all of it.
inline disk_state state_of_all(std::map<std::string, quire::testing::crash_states> const& left,
                               bool newest) {
    disk_state chosen;
    for (auto const& [name, states] : left) {
        chosen.emplace(name, states.state_by([&](std::uint64_t choices) {
            return newest ? choices - 1 : 0;
        }));
    }
    return chosen;
}

inline disk_state any_state(std::map<std::string, quire::testing::crash_states> const& left,
                            generator& random) {
    auto const bias = random.below(5);
    disk_state chosen;
    for (auto const& [name, states] : left) {
        chosen.emplace(name, states.state_by([&](std::uint64_t choices) {
            switch (bias) {
                case 0: return random.chance(1, 10) ? random.below(choices) : 0;
                case 1: return random.chance(1, 10) ? random.below(choices) : choices - 1;
                case 2: return name == "log" ? 0 : choices - 1;
                case 3: return name == "log" ? choices - 1 : random.below(choices);
                default: return random.below(choices);
            }
        }));
    }
    return chosen;
}

}  // namespace quire_test
