// SPDX-License-Identifier: BSL-1.0
// group: a page by another name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'row' while mutable loan 'page->lent_mutable' is held
// checked: mutable bytes of a page are lent alone
// why: what is lent for changes is lent alone: rows come from the name.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto same = *page;
    auto row = page->row<user>(slot);
    use(same.insert(user{6, "Emmy", {}}));
    use(row.get<&user::id>());
#else
    auto page = file.write<heap_page>(0);
    auto same = *page;
    use(same.insert(user{6, "Emmy", {}}));
    auto row = same.row<user>(slot);
    use(row.get<&user::id>());
#endif
}
