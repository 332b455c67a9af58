// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// uncaught: after `advance` the view shows the next page: changes are made there, and are written
// why: the view belongs to the guard, and then shows the next page.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto& view = *page;
    page.advance(file, 1);
    use(view.insert(user{6, "Emmy", {}}));
#else
    auto page = file.write<heap_page>(0);
    page.advance(file, 1);
    use(page->insert(user{6, "Emmy", {}}));
#endif
}
