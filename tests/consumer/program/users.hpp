// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <quire/quire.hpp>

#include <string>

struct user {
    std::int64_t id;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(user, (), (id, name))

using pool_type =
    quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch, quire::memory_backend>;

// In b.cpp; main, in a.cpp, does the same and compares.
void add_user(pool_type::file file, user const& one);
void const* address_of_a_constant();
