// SPDX-License-Identifier: BSL-1.0
// why: slots are values: collected first, erased afterwards.

void legal(file_type file) {
    auto page = file.write<heap_page>(0);
    std::vector<slot_id> old;
    for (auto row : page->rows<user>()) {
        if (row.get<&user::id>() < 10) { old.push_back(row.slot()); }
    }
    for (auto one : old) { page->erase(one); }
    page->compact();
}
