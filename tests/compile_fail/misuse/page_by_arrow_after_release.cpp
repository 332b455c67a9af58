// SPDX-License-Identifier: BSL-1.0
// group: a page by another name
// chosen: a pointer, a reference or a second name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// poison: use-after-poison
// why: `->` needs the address of the guard's view; code that calls it by name may keep that.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto guard = file.read<heap_page>(0);
    auto const* const page = guard.operator->();
    guard.release();
    use(page->size());
#else
    auto guard = file.read<heap_page>(0);
    auto const* const page = guard.operator->();
    use(page->size());
    guard.release();
#endif
}
