// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: (use of deleted function|is not constructible|static assertion|no matching function)
// clang-19: (deleted|no matching function|static assertion)
// clang-22: (deleted|no matching function|static assertion)
// why: a container would keep borrows past their guards.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    std::vector<quire::byte_view<std::byte const>> all;
    all.push_back(page->tuple(slot));
#else
    auto page = file.read<heap_page>(0);
    std::vector<std::size_t> all;
    all.push_back(page->tuple(slot).size());
#endif
}
