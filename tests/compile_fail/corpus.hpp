// SPDX-License-Identifier: BSL-1.0
#pragma once

/// corpus: what the runner includes before every file of the corpus; precompiled by each compiler.

#include <quire/pool/change.hpp>
#include <quire/quire.hpp>
#include <quire/table/btree.hpp>
#include <quire/table/table.hpp>

#include <algorithm>
#include <any>
#include <array>
#include <deque>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

using quire::heap_page;
using quire::page_no;
using quire::slot_id;

using pool_type = quire::buffer_pool<>;
using file_type = pool_type::file;
using reader = pool_type::read_guard<heap_page>;
using writer = pool_type::write_guard<heap_page>;

/// A pool with a log, and a file in it, like the one that each misuse is given: for changes.
struct logged {
    pool_type& pool;
    file_type file;
};
logged with_log();
/// That pool, and a file without pages: for trees.
logged with_nothing();

struct user {
    std::int64_t id = 0;
    std::string name;
    std::optional<double> balance;
};
BOOST_DESCRIBE_STRUCT(user, (), (id, name, balance))

/// Uses a value, whatever it is, so that nothing is optimised away: its first byte, and of a string
/// the first character too.
template <class T>
void use(T const& value) noexcept {
    [[maybe_unused]] char volatile seen = reinterpret_cast<char const volatile&>(value);
    if constexpr (std::is_convertible_v<T const&, std::string_view>) {
        std::string_view const text = value;
        if (!text.empty()) { seen = text.front(); }
    } else if constexpr (std::is_same_v<T, quire::column_text>) {
        if (!value.empty()) { seen = value.front(); }
    }
}

inline constexpr slot_id slot{0};
inline constexpr slot_id last_slot{2};
