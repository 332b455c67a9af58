// SPDX-License-Identifier: BSL-1.0
// why: a row on the way out of a function.

std::int64_t legal(file_type file) {
    auto page = file.read<heap_page>(0);
    for (auto row : page->rows<user>()) {
        if (row.get<&user::name>() == "Ada") { return row.get<&user::id>(); }
    }
    return 0;
}
