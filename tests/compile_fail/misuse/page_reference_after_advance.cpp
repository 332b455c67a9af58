// SPDX-License-Identifier: BSL-1.0
// group: a page by another name
// rust: rejects
// g++: cannot bind non-const lvalue reference
// clang-19: non-const lvalue reference to type .* cannot bind to a temporary
// clang-22: non-const lvalue reference to type .* cannot bind to a temporary
// why: after `advance` the view shows the next page.

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
