// SPDX-License-Identifier: BSL-1.0
// group: a page by another name
// rust: rejects
// g++: -
// clang-19: temporary whose address is used as value of local variable 'look' will be destroyed
// clang-22: temporary whose address is used as value of local variable 'look' will be destroyed
// checked: a view that is made from another view of the page ends before that
// why: a const view made from the page by another name ends before that does.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    reader::view_type const look{*page};
    use(look.size());
#else
    auto page = file.write<heap_page>(0);
    auto const named = *page;
    reader::view_type const look{named};
    use(look.size());
#endif
}
