// SPDX-License-Identifier: BSL-1.0
// why: a page that is read and released.

void legal(file_type file) {
    quire::guard_slot<writer> page;
    page.fill([&] { return file.append<heap_page>(); });
    for (int i = 0; i < 1000; ++i) {
        if (!page->insert(user{i, "x", {}})) {
            page.fill([&] { return file.append<heap_page>(); });
            use(page->insert(user{i, "x", {}}));
        }
    }
}
