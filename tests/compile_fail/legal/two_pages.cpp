// SPDX-License-Identifier: BSL-1.0
// why: two pages at once, one read and one written.

void legal(file_type file) {
    auto from = file.read<heap_page>(0);
    auto to = file.write<heap_page>(1);
    for (auto row : from->rows<user>()) { use(to->insert(row.load())); }
}
