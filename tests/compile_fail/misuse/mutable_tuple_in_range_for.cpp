// SPDX-License-Identifier: BSL-1.0
// group: mutable bytes are lent alone
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'tuple' while loan 'page->lent' is held
// checked: mutable bytes of a page are lent alone
// why: the loop has lent all rows.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    for (auto row : page->rows<user>()) {
        page->tuple(row.slot()).store<std::uint8_t>(0, 0);
    }
#else
    auto page = file.write<heap_page>(0);
    for (auto row : page->rows<user>()) { row.set<&user::balance>(std::nullopt); }
#endif
}
