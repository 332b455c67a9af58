// SPDX-License-Identifier: BSL-1.0
#include "users.hpp"

namespace {

bool has(pool_type::file file, quire::slot_id slot, std::string_view name) {
    auto page = file.read<quire::heap_page>(0);
    auto row = page->row<user>(slot);
    return row.get<&user::name>() == name;
}

}  // namespace

int main() {
    pool_type pool{{.frames = 8}};
    auto file = pool.open("users", quire::open_mode::open_or_create);
    {
        auto page = file.append<quire::heap_page>();
        if (!page->insert(user{1, "Ada"})) { return 1; }
    }
    add_user(file, {2, "Grace"});
    file.flush();
    if (!has(file, quire::slot_id{0}, "Ada")) { return 2; }
    if (!has(file, quire::slot_id{1}, "Grace")) { return 3; }
    file.close();
    // An inline variable is one object in both.
    return address_of_a_constant() == &quire::checked_build ? 0 : 4;
}
