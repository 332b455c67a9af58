// SPDX-License-Identifier: BSL-1.0
// why: a whole row is changed by a function.

void legal(file_type file) {
    auto page = file.write<heap_page>(0);
    if (!page->edit<user>(slot, [](user& u) { u.name += " Lovelace"; })) { return; }
    page.logged(7);
}
