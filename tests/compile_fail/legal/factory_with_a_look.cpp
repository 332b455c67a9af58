// SPDX-License-Identifier: BSL-1.0
// why: a function looks at the page before it hands the guard over.

writer with_room(file_type file) {
    auto page = file.write<heap_page>(0);
    if (page.view().free_space() > 100) { return page.transfer(); }
    return file.append<heap_page>();
}
void legal(file_type file) {
    auto page = with_room(file);
    use(page->insert(user{}));
}
