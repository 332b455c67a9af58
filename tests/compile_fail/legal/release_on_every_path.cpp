// SPDX-License-Identifier: BSL-1.0
// why: ended early on one way, by the brace on the other.

void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    if (page->size() == 0) {
        page.release();
        return;
    }
    use(page->size());
}
