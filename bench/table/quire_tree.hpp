// SPDX-License-Identifier: BSL-1.0
#pragma once

/// quire_tree: quire::btree over a pool that has a frame for every page; the file with or without
/// a log. Each operation is one by itself. Values are lent from the leaf.

#include "store.hpp"

#include <quire/table/btree.hpp>

#include <array>
#include <optional>
#include <ranges>

namespace quire_bench {

enum class logging : bool { off, on };

template <std::size_t Size, logging Logging>
class quire_tree final : public ordered_store {
    using pool_type = quire::buffer_pool<page_size>;
    using log_options = quire::redo_log_options<quire::direct_backend>;
    static constexpr auto any_io = quire::io_mode::direct_or_buffered;
    static constexpr bool is_number = Size == sizeof(std::uint64_t);
    using value_type =
        std::conditional_t<is_number, std::uint64_t, std::array<std::byte, Size>>;

public:
    static constexpr char const* name = Logging == logging::on ? "quire, logged" : "quire";

    quire_tree(std::filesystem::path const& folder, store_size size) {
        quire::pool_options<quire::direct_backend> const options{
            .frames = room_for(size.keys, Size) / page_size};
        if constexpr (Logging == logging::on) {
            log_.emplace(folder / "log", log_options{.bytes = log_bytes(size.keys), .io = any_io});
            pool_.emplace(options, *log_);
        } else {
            pool_.emplace(options);
        }
        db_.emplace(*pool_, pool_->open(folder / "tree", quire::open_mode::open_or_create,
                                        {.io = any_io,
                                         .logged = Logging == logging::on}));
        tree_.emplace(*db_, "entries");
    }

    void insert(key_list keys) override {
        if constexpr (is_number) {
            for (auto const key : keys) { expect_new(tree_->insert(key, value_of(key))); }
        } else {
            auto value = of_ones();
            for (auto const key : keys) {
                auto const number = value_of(key);
                std::memcpy(value.data(), &number, sizeof number);
                expect_new(tree_->insert(key, value));
            }
        }
    }
    void append(key_list keys) override {
        if constexpr (is_number) {
            tree_->append_sorted(keys | std::views::transform([](std::uint64_t key) {
                                     return std::pair{key, value_of(key)};
                                 }));
        } else {
            std::pair<std::uint64_t, value_type> entry{0, of_ones()};
            tree_->append_sorted(keys | std::views::transform([&](std::uint64_t key) -> auto& {
                                     auto const number = value_of(key);
                                     entry.first = key;
                                     std::memcpy(entry.second.data(), &number, sizeof number);
                                     return std::as_const(entry);
                                 }));
        }
    }
    [[nodiscard]] std::uint64_t get(unsigned, key_list keys) override {
        std::uint64_t sum = 0;
        for (auto const key : keys) {
            bool const there = tree_->get(key, [&](auto const& value) { sum += number_in(value); });
            if (!there) { fail("quire: a key is not there"); }
        }
        return sum;
    }
    [[nodiscard]] std::uint64_t scan(key_list from, std::size_t length) override {
        std::uint64_t sum = 0;
        for (auto const key : from) {
            auto left = length;
            tree_->scan(key, ~std::uint64_t{0}, [&](std::uint64_t, auto const& value) {
                sum += number_in(value);
                return --left > 0;
            });
        }
        return sum;
    }

private:
    [[nodiscard]] static value_type of_ones() {
        value_type value;
        value.fill(std::byte{1});
        return value;
    }
    static void expect_new(bool is_new) {
        if (!is_new) { fail("quire: a key was there already"); }
    }
    template <class Lent>
    [[nodiscard]] static std::uint64_t number_in(Lent const& value) {
        if constexpr (is_number) {
            return value;
        } else {
            return value.template load<std::uint64_t>(0);
        }
    }
    /// For all insertions of a run without a checkpoint.
    [[nodiscard]] static std::uint64_t log_bytes(std::uint64_t keys) {
        return (std::uint64_t{1} << 26) + keys * (Size + 256);
    }

    std::optional<quire::redo_log<>> log_;
    std::optional<pool_type> pool_;
    std::optional<quire::catalog<pool_type>> db_;
    std::optional<quire::btree<std::uint64_t, value_type, pool_type>> tree_;
};

}  // namespace quire_bench
