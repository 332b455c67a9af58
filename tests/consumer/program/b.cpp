// SPDX-License-Identifier: BSL-1.0
#include "users.hpp"

#include <stdexcept>

void add_user(pool_type::file file, user const& one) {
    auto page = file.write<quire::heap_page>(0);
    if (!page->insert(one)) { throw std::runtime_error{"the page is full"}; }
}

void const* address_of_a_constant() { return &quire::checked_build; }
