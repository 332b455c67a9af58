// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: this fn changes a copy or nothing
// clang-19: this fn changes a copy or nothing
// clang-22: this fn changes a copy or nothing
// why: auto is a copy, too.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    use(page->edit<user>(slot, [](auto u) { u.id = 2; }));
#else
    auto page = file.write<heap_page>(0);
    use(page->edit<user>(slot, [](user& u) { u.id = 2; }));
#endif
}
