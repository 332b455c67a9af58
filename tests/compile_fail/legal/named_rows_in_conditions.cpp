// SPDX-License-Identifier: BSL-1.0
// why: with a name, a row may be read in any branch; so may texts without one.

void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    if (page->contains(slot)) {
        auto const row = page->row<user>(slot);
        bool const is_ada = row.get<&user::id>() == 1 && row.get<&user::name>() == "Ada";
        std::string const name = is_ada ? row.get<&user::name>() : std::string{"another"};
        use(name);
    }
    while (page->contains(slot)) {
        if (page->row<user>(slot).get<&user::id>() >= 0) { break; }
    }
}
