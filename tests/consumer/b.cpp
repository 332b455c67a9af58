// SPDX-License-Identifier: BSL-1.0
#include <quire/quire.hpp>

#include <cstddef>

std::size_t pool_bytes_in_b() { return sizeof(quire::buffer_pool<>); }
