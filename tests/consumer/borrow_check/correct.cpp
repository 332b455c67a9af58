// SPDX-License-Identifier: BSL-1.0
#include <tables.hpp>

using file_type = quire::buffer_pool<>::file;

std::int64_t first_id(file_type file, user const& other) {
    auto page = file.write<quire::heap_page>(0);
    std::int64_t id = 0;
    {
        auto row = page->row<user>(quire::slot_id{0});
        id = row.get<&user::id>();
    }  // the row ends before the page changes
    return page->insert(other) ? id : 0;
}

int main() { return table_name() == "all users" && source_name() == "one source" ? 0 : 1; }
