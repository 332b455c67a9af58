// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'erase' while loan 'page->lent' is held
// checked: a page is changed only while no row, tuple or range of it is lent
// why: the loop is a borrow of the page.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    for (auto row : page->rows<user>()) { page->erase(row.slot()); }
#else
    auto page = file.write<heap_page>(0);
    std::vector<slot_id> all;
    for (auto row : page->rows<user>()) { all.push_back(row.slot()); }
    for (auto one : all) { page->erase(one); }
#endif
}
