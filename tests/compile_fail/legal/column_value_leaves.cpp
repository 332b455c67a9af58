// SPDX-License-Identifier: BSL-1.0
// why: numbers are values.

std::int64_t first(file_type file) {
    auto page = file.read<heap_page>(0);
    return page->row<user>(slot).get<&user::id>();
}
