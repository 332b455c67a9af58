// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'insert' while loan 'page->lent' is held
// checked: a page is changed only while no row, tuple or range of it is lent
// why: a range of slots is a borrow, too.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    for (auto one : page->slots()) {
        use(one);
        use(page->insert(user{}));
    }
#else
    auto page = file.write<heap_page>(0);
    for (auto one : page->slots()) { use(one); }
    use(page->insert(user{}));
#endif
}
