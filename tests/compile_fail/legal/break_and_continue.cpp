// SPDX-License-Identifier: BSL-1.0
// why: a loop over rows is left and continued.

void legal(file_type file) {
    auto page = file.write<heap_page>(0);
    for (auto row : page->rows<user>()) {
        if (row.get<&user::id>() == 1) { continue; }
        if (row.get<&user::id>() == 2) { break; }
    }
    use(page->insert(user{}));
}
