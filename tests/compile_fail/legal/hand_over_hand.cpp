// SPDX-License-Identifier: BSL-1.0
// why: a descent latches the next page before it releases the last one.

void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    for (std::uint64_t no = 1; no < file.pages(); ++no) { page.advance(file, no); }
    use(page->size());
}
