// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: a heap page has a power of two of bytes
// clang-19: a heap page has a power of two of bytes
// clang-22: a heap page has a power of two of bytes
// why: offsets in a slotted page have 15 bits.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    static_cast<void>(file);
    quire::buffer_pool<65536> large{{.frames = 16}};
    auto other = large.open("f");
    auto page = other.read<heap_page>(0);
    use(page->size());
#else
    static_cast<void>(file);
    quire::buffer_pool<65536> large{{.frames = 16}};
    auto other = large.open("f");
    auto page = other.read(0);
    use(page.id());
#endif
}
