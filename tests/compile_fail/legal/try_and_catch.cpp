// SPDX-License-Identifier: BSL-1.0
// why: an error ends guards and rows.

void legal(file_type file) {
    try {
        auto page = file.read<heap_page>(7);
        auto row = page->row<user>(slot);
        use(row.get<&user::id>());
    } catch (quire::error const& e) {
        use(e.kind());
    }
}
