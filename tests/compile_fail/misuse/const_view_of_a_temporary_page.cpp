// SPDX-License-Identifier: BSL-1.0
// group: a page by another name
// rust: rejects
// g++: use of deleted function .*heap_page
// clang-19: a guard gives one by guard.view
// clang-22: a guard gives one by guard.view
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
