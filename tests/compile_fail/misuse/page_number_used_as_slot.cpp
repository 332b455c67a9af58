// SPDX-License-Identifier: BSL-1.0
// group: slot of another page
// rust: rejects
// g++: (could not convert|no matching|cannot convert)
// clang-19: (no matching|no viable)
// clang-22: (no matching|no viable)
// why: numbers of slots and of pages are types of their own.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    use(page->contains(page.id().page()));
#else
    auto page = file.read<heap_page>(0);
    use(page->contains(slot));
#endif
}
