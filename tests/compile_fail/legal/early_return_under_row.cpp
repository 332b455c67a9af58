// SPDX-License-Identifier: BSL-1.0
// why: a function returns while it holds a row.

std::int64_t legal(file_type file) {
    auto page = file.read<heap_page>(0);
    for (auto row : page->rows<user>()) {
        if (row.get<&user::name>() == "Ada") { return row.get<&user::id>(); }
    }
    return 0;
}
