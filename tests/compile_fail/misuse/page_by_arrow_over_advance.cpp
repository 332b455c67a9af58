// SPDX-License-Identifier: BSL-1.0
// group: a page by another name
// chosen: a pointer, a reference or a second name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// uncaught: the reference is to the guard's view, which shows another page now
// why: see page_by_arrow_after_release.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto guard = file.read<heap_page>(0);
    auto const& page = *guard.operator->();
    use(page.size());
    guard.advance(file, 1);
    use(page.size());
#else
    auto guard = file.read<heap_page>(0);
    {
        auto const page = *guard;
        use(page.size());
    }
    guard.advance(file, 1);
#endif
}
