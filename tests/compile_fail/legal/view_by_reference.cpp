// SPDX-License-Identifier: BSL-1.0
// why: a name for the view saves the arrow.

void legal(file_type file) {
    auto page = file.write<heap_page>(0);
    auto& view = *page;
    use(view.insert(user{}));
    view.compact();
}
