// SPDX-License-Identifier: BSL-1.0
// why: a borrow ends at its brace, and the guard by hand.

void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    std::size_t size = 0;
    {
        auto tuple = page->tuple(slot);
        size = tuple.size();
    }
    page.release();
    use(size);
}
