// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// poison: (use-after-poison|stack-use-after|stack-buffer)
// why: the address of the page leaves.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    reader::view_type const* kept = nullptr;
    file.with_read<heap_page>(0, [&](reader::view_type const& page) { kept = &page; });
    use(kept->size());
#else
    std::size_t size = 0;
    file.with_read<heap_page>(0, [&](reader::view_type const& page) { size = page.size(); });
    use(size);
#endif
}
