// SPDX-License-Identifier: BSL-1.0
// why: a descent of writers, which read before they write.

void legal(file_type file) {
    auto page = file.write<heap_page>(0);
    while (page.view().free_space() < 100) {
        auto const next = page.id().page().value() + 1;
        page.advance(file, next);
    }
    use(page->insert(user{}));
}
