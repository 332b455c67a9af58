// SPDX-License-Identifier: BSL-1.0
// why: a whole row is changed by a function.

void legal(file_type file) {
    auto page = file.write<heap_page>(0);
    if (!page->edit<user>(slot, [](user& u) { u.name += " Lovelace"; })) { return; }
    if (!page->edit<user>(slot, [](auto& u) { u.id = 2; })) { return; }
    if (!page->edit<user>(slot, [](auto&& u) { u.id = 3; })) { return; }
    page.logged(7);
}
