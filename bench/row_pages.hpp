// SPDX-License-Identifier: BSL-1.0
#pragma once

/// row_pages: heap pages full of rows, without a pool, and handwritten access to these rows.
///
/// The pages are in the same kind of memory as a pool's frames (huge pages, if available).
///
/// The handwritten code knows what quire knows at compile time (schema.hpp: where a column is in a
/// row) and what quire must look up (where a row is in its page), and checks nothing:
///
///     0   1   null bits: bit 0 is 1 when there is no balance
///     1   8   id
///     9   8   balance
///    17   2   where the name ends, from the row's start
///    19  ..   name

#include "systems/system.hpp"

#include <quire/memory/arena.hpp>
#include <quire/page/heap_page.hpp>
#include <quire/row/codec.hpp>

#include <optional>
#include <random>
#include <vector>

namespace quire_bench {

struct account {
    std::int64_t id;
    std::string name;
    std::optional<double> balance;
};
BOOST_DESCRIBE_STRUCT(account, (), (id, name, balance))

using shared_view = quire::heap_page<std::byte const, page_size>;
using exclusive_view = quire::heap_page<std::byte, page_size>;

namespace hand {

inline constexpr std::size_t id_at = 1;
inline constexpr std::size_t balance_at = 9;
inline constexpr std::size_t name_end_at = 17;
inline constexpr std::size_t name_at = 19;

inline constexpr std::size_t slot_count_at = 24;
inline constexpr std::size_t pointers_at = 32;

template <class T>
[[nodiscard]] T load(std::byte const* at) noexcept {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}
template <class T>
void store(std::byte* at, T value) noexcept {
    std::memcpy(at, &value, sizeof value);
}

/// Where the row of a line pointer is.
[[nodiscard]] inline std::size_t offset_of(std::uint32_t pointer) noexcept {
    return (pointer >> 2) & 0x7FFF;
}
[[nodiscard]] inline std::uint32_t pointer_of(std::byte const* page, std::size_t slot) noexcept {
    return load<std::uint32_t>(page + pointers_at + 4 * slot);
}

[[nodiscard]] inline std::size_t size_of(account const& value) noexcept {
    return name_at + value.name.size();
}
inline void encode(account const& value, std::byte* row) noexcept {
    store(row, static_cast<std::uint8_t>(value.balance ? 0 : 1));
    store(row + id_at, value.id);
    store(row + balance_at, value.balance.value_or(0.0));
    store(row + name_end_at, static_cast<std::uint16_t>(size_of(value)));
    std::memcpy(row + name_at, value.name.data(), value.name.size());
}

}  // namespace hand

/// Names have `least` to `most` characters; every third account has no balance.
[[nodiscard]] inline std::vector<account> some_accounts(std::size_t count, std::size_t least,
                                                        std::size_t most) {
    std::mt19937 random{7};
    std::uniform_int_distribution<std::size_t> length{least, most};
    std::vector<account> accounts;
    for (std::size_t i = 0; i < count; ++i) {
        auto const letter = static_cast<char>('a' + i % 26);
        accounts.push_back({static_cast<std::int64_t>(i * i), std::string(length(random), letter),
                            i % 3 == 0 ? std::nullopt : std::optional{0.5 * double(i)}});
    }
    return accounts;
}

/// Pages side by side, each full of accounts.
class row_pages {
public:
    row_pages(std::size_t pages, std::vector<account> const& accounts)
        : arena_{pages, page_size, quire::huge_pages::on}, pages_{pages} {
        quire::unpoison(arena_.bytes());
        std::size_t next = 0;
        for (std::size_t p = 0; p < pages; ++p) {
            exclusive_view::format(span(p), quire::page_no{p});
            exclusive_view view{span(p)};
            while (view.insert(accounts[next % accounts.size()])) { ++next; }
        }
        rows_ = next;
    }

    [[nodiscard]] std::byte* at(std::size_t p) const noexcept {
        return arena_.bytes().data() + p * page_size;
    }
    [[nodiscard]] std::span<std::byte, page_size> span(std::size_t p) const noexcept {
        return std::span<std::byte, page_size>{at(p), page_size};
    }
    [[nodiscard]] std::size_t pages() const noexcept { return pages_; }
    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }

    /// A row: by its page and slot, and by its place in that page.
    struct draw {
        std::uint32_t page;
        std::uint16_t slot;
        std::uint16_t offset;
    };
    [[nodiscard]] std::vector<draw> some_draws(std::size_t count) const {
        std::mt19937 random{1};
        std::vector<draw> draws;
        for (std::size_t i = 0; i < count; ++i) {
            auto const p = static_cast<std::uint32_t>(random() % pages_);
            std::byte const* const page = at(p);
            auto const slots = hand::load<std::uint16_t>(page + hand::slot_count_at);
            auto const slot = static_cast<std::uint16_t>(random() % slots);
            auto const offset = hand::offset_of(hand::pointer_of(page, slot));
            draws.push_back({p, slot, static_cast<std::uint16_t>(offset)});
        }
        return draws;
    }

private:
    quire::arena arena_;
    std::size_t pages_;
    std::size_t rows_ = 0;
};

}  // namespace quire_bench
