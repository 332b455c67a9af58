// SPDX-License-Identifier: BSL-1.0
// group: a page by another name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'operator\*' while mutable loan 'page->lent_mutable' is held
// checked: mutable bytes of a page are lent alone
// why: a page that is lent for changes has one name.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto one = *page;
    auto other = *page;
    use(one.insert(user{6, "Emmy", {}}));
    use(other.insert(user{7, "Finn", {}}));
#else
    auto page = file.write<heap_page>(0);
    auto one = *page;
    use(one.insert(user{6, "Emmy", {}}));
    use(one.insert(user{7, "Finn", {}}));
#endif
}
