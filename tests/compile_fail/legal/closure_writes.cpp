// SPDX-License-Identifier: BSL-1.0
// why: a change of one page in one expression.

void legal(file_type file) {
    auto added = file.with_write<heap_page>(
        0, [](auto& page) { return page.insert(user{4, "Hedy", {}}); });
    if (added) {
        file.with_write<heap_page>(0, [&](writer::view_type& page) {
            auto row = page.row<user>(*added);
            row.set<&user::balance>(1.0);
        });
    }
}
