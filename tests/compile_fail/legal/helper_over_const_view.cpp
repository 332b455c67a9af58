// SPDX-License-Identifier: BSL-1.0
// why: a function over a view works for both kinds of guard.

std::size_t rows_of(heap_page<std::byte const, 4096> const& page) { return page.size(); }
void legal(file_type file) {
    auto shared = file.read<heap_page>(0);
    auto mine = file.write<heap_page>(1);
    use(rows_of(*shared) + rows_of(mine.view()));
}
