// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: this fn changes a copy or nothing
// clang-19: this fn changes a copy or nothing
// clang-22: this fn changes a copy or nothing
// why: nothing can be changed by it; code that only reads uses `row`.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    use(page->edit<user>(slot, [](user const& u) { use(u.id); }));
#else
    auto page = file.write<heap_page>(0);
    use(page->edit<user>(slot, [](user& u) { u.id = 2; }));
#endif
}
