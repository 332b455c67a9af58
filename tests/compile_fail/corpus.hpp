// SPDX-License-Identifier: BSL-1.0
#pragma once

/// corpus: what the runner includes before every file of the corpus; precompiled by each compiler.

#include <quire/quire.hpp>

#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
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

struct user {
    std::int64_t id = 0;
    std::string name;
    std::optional<double> balance;
};
BOOST_DESCRIBE_STRUCT(user, (), (id, name, balance))

/// Uses a value, whatever it is.
template <class T>
void use(T const&) noexcept {}

inline constexpr slot_id slot{0};
