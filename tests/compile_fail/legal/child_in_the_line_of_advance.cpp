// SPDX-License-Identifier: BSL-1.0
// why: the next page's number is found before the guard goes on.
// clang-22: cannot call function 'advance' while

page_no child_of(auto const& page) { return page_no{page.size() > 2 ? 1U : 0U}; }
void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    page.advance(file, child_of(*page));
    use(page->size());
}
