// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <quire/quire.hpp>

#include <string>

struct user {
    std::int64_t id;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(user, (), (id, name))
