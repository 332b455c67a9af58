// SPDX-License-Identifier: BSL-1.0
#include <quire/quire.hpp>

#include <cstddef>

std::size_t pool_bytes_in_b();

int main() { return sizeof(quire::buffer_pool<>) == pool_bytes_in_b() ? 0 : 1; }
