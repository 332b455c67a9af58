// SPDX-License-Identifier: BSL-1.0
// group: a thread that waits for itself
// rust: accepts
// g++: -
// clang-19: -
// clang-22: -
// error: write of page 0 of .*pages: this thread holds a guard of the page
// checked: a thread that flushes or closes holds no guard of the pool
// why: a flush waits for every page, even for the one that is held.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    use(page->insert(user{5, "Mary", {}}));
    file.flush();
#else
    {
        auto page = file.write<heap_page>(0);
        use(page->insert(user{5, "Mary", {}}));
    }
    file.flush();
#endif
}
