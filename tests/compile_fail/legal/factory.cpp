// SPDX-License-Identifier: BSL-1.0
// why: a function makes a guard and returns it.

reader open_first(file_type file) { return file.read<heap_page>(0); }
void legal(file_type file) {
    auto page = open_first(file);
    use(page->size());
}
