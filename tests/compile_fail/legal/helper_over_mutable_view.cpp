// SPDX-License-Identifier: BSL-1.0
// why: a function that changes a page takes the mutable view, from a name.

void tidy(writer::view_type& page) { page.compact(); }
void legal(file_type file) {
    auto guard = file.write<heap_page>(0);
    {
        auto page = *guard;
        tidy(page);
    }
    use(guard->size());
}
