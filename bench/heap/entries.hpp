// SPDX-License-Identifier: BSL-1.0
#pragma once

/// entries: rows of 60 bytes, an array of them, and a heap file of them.
///
///     0   8   id
///     8   4   amount
///    12   2   where the text ends, from the row's start
///    14  46   text
///
/// `packed_entries` has the bytes of the rows end to end. All rows have one size, which the
/// compiler knows: so no array is faster to walk over. Its loop adds up the amounts and checks
/// nothing.

#include "../systems/system.hpp"

#include <quire/quire.hpp>
#include <quire/table/table.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace quire_bench {

struct entry {
    std::int64_t id = 0;
    std::int32_t amount = 0;
    std::string text = std::string(46, 't');
};
BOOST_DESCRIBE_STRUCT(entry, (), (id, amount, text))

inline constexpr std::size_t entry_size = 60;
inline constexpr std::size_t amount_at = 8;

/// Makes `row` the one of that number. Its text stays.
inline void set_entry(entry& row, std::uint64_t number) noexcept {
    row.id = static_cast<std::int64_t>(number);
    row.amount = static_cast<std::int32_t>((number + 1) * 0x9E3779B97F4A7C15ULL >> 40);
}
/// The sum of the amounts of rows 0 to `count` - 1.
[[nodiscard]] inline std::uint64_t sum_of_entries(std::uint64_t count) noexcept {
    entry row;
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        set_entry(row, i);
        sum += static_cast<std::uint64_t>(row.amount);
    }
    return sum;
}

class packed_entries {
public:
    explicit packed_entries(std::uint64_t count) : bytes_(count * entry_size) {
        entry row;
        if (quire::value_codec<entry>::size(row) != entry_size) { fail("a row has another size"); }
        for (std::uint64_t i = 0; i < count; ++i) {
            set_entry(row, i);
            quire::value_codec<entry>::encode(
                row, std::span{bytes_}.subspan(i * entry_size, entry_size));
        }
    }
    [[nodiscard]] std::uint64_t sum() const noexcept {
        std::uint64_t sum = 0;
        auto const* const end = bytes_.data() + bytes_.size();
        for (auto const* at = bytes_.data(); at != end; at += entry_size) {
            std::int32_t amount;
            std::memcpy(&amount, at + amount_at, sizeof amount);
            sum += static_cast<std::uint64_t>(amount);
        }
        return sum;
    }

private:
    std::vector<std::byte> bytes_;
};

struct heap_setting {
    std::size_t frames;
    quire::io_mode io = quire::io_mode::direct_or_buffered;
    std::uint64_t log_bytes = 0;  ///< 0: without a log
};

/// Frames for that many rows and more, so that nothing is written back.
[[nodiscard]] constexpr std::size_t frames_for(std::uint64_t rows) noexcept {
    return 1024 + rows * (entry_size + 20) / page_size * 3 / 2;
}

/// The heap file "entries" of a file, which is made where there is none.
template <quire::file_backend Backend = quire::direct_backend>
class entry_heap {
    using log_options = quire::redo_log_options<Backend>;

public:
    using pool_type = quire::buffer_pool<page_size, quire::s3_fifo, quire::hybrid_latch, Backend>;

    entry_heap(std::filesystem::path const& path, heap_setting const& how) {
        quire::pool_options<Backend> const options{.frames = how.frames};
        bool const is_logged = how.log_bytes > 0;
        if (is_logged) {
            log_.emplace(path.string() + ".log", log_options{.bytes = how.log_bytes, .io = how.io});
            pool_.emplace(options, *log_);
        } else {
            pool_.emplace(options);
        }
        db_.emplace(*pool_, pool_->open(path, quire::open_mode::open_or_create,
                                        {.io = how.io, .logged = is_logged}));
        rows_.emplace(*db_, "entries");
    }

    /// Adds rows `first` to `first` + `count` - 1, so many in a change. Any threads.
    void insert(std::uint64_t first, std::uint64_t count, std::uint64_t rows_a_change) {
        entry row;
        if (rows_a_change == 1) {
            for (auto i = first; i < first + count; ++i) {
                set_entry(row, i);
                rows_->insert(row);
            }
            return;
        }
        for (std::uint64_t done = 0; done < count; done += rows_a_change) {
            pool_->change([&](quire::change<pool_type>& changes) {
                auto const end = std::min(count, done + rows_a_change);
                for (auto i = done; i < end; ++i) {
                    set_entry(row, first + i);
                    rows_->insert(changes, row);
                }
            });
        }
    }
    [[nodiscard]] std::uint64_t sum() const {
        std::uint64_t sum = 0;
        rows_->scan([&](auto const& row) {
            sum += static_cast<std::uint64_t>(row.template get<&entry::amount>());
        });
        return sum;
    }
    [[nodiscard]] quire::pool_stats stats() const { return db_->file().stats(); }
    void close() { db_->close(); }

private:
    std::optional<quire::redo_log<Backend>> log_;
    std::optional<pool_type> pool_;
    std::optional<quire::catalog<pool_type>> db_;
    std::optional<quire::heap_file<entry, pool_type>> rows_;
};

}  // namespace quire_bench
