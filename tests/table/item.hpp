// SPDX-License-Identifier: BSL-1.0
#pragma once

/// item: a row of tests, and a table of such rows with a unique index and another one.

#include <quire/table/table.hpp>

#include <cstdint>
#include <string>

namespace quire_test {

struct item {
    std::uint32_t number = 0;
    std::string group;
    std::string text;

    friend bool operator==(item const&, item const&) = default;
};
BOOST_DESCRIBE_STRUCT(item, (), (number, group, text))

template <class World>
using item_table = quire::basic_table<typename World::pool_type, item,
                                      quire::unique<&item::number>, quire::indexed<&item::group>>;

}  // namespace quire_test
