// SPDX-License-Identifier: BSL-1.0
// group: copied, moved or discarded guard
// rust: rejects
// g++: use of deleted function .*fill_a_guard_slot_instead
// clang-19: a guard is made once.* guard_slot is filled again
// clang-22: a guard is made once.* guard_slot is filled again
// why: assigning would release a page without a visible call.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    page = file.read<heap_page>(1);
    use(page->size());
#else
    auto page = file.read<heap_page>(0);
    page.advance(file, 1);
    use(page->size());
#endif
}
