// SPDX-License-Identifier: BSL-1.0
#include <user.hpp>

using file_type = quire::buffer_pool<>::file;

std::int64_t stale_id(file_type file, user const& other) {
    auto page = file.write<quire::heap_page>(0);
    auto row = page->row<user>(quire::slot_id{0});
    auto slot = page->insert(other);
    return slot ? row.get<&user::id>() : 0;
}
