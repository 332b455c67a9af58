// SPDX-License-Identifier: BSL-1.0
// why: a sealed closure gets what it needs as arguments.

void legal(file_type file) {
    std::string wanted = "Ada";
    use(file.with_read_sealed<heap_page>(
        0,
        [](reader::view_type const& page, std::string const& name) {
            for (auto row : page.rows<user>()) {
                if (row.get<&user::name>() == name) { return true; }
            }
            return false;
        },
        wanted));
    use(file.with_write_sealed<heap_page>(
        0, [](writer::view_type& page, slot_id at) { return page.erase(at); }, slot));
}
