// SPDX-License-Identifier: BSL-1.0
// why: what is owned may leave.

std::vector<user> all(file_type file) {
    std::vector<user> found;
    auto page = file.read<heap_page>(0);
    for (auto row : page->rows<user>()) { found.push_back(row.load()); }
    return found;
}
