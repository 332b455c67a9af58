// SPDX-License-Identifier: BSL-1.0
// why: a std::string of a column is a copy.

std::string first(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    return std::string{row.get<&user::name>()};
}
