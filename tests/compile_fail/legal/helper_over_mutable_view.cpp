// SPDX-License-Identifier: BSL-1.0
// why: a function that changes a page takes the mutable view.

void tidy(writer::view_type& page) { page.compact(); }
void legal(file_type file) {
    auto page = file.write<heap_page>(0);
    tidy(*page);
    use(page->size());
}
