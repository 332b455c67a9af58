// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function
// clang-19: (call to deleted|cannot be assigned|deleted)
// clang-22: (call to deleted|cannot be assigned|deleted)
// why: a member outlives the function that had the guard.

#ifdef MISUSE
struct cache {
    quire::byte_view<std::byte const> tuple;
};
void fill(cache& into, file_type file) {
    auto page = file.read<heap_page>(0);
    into.tuple = page->tuple(slot);
}
#else
struct cache {
    std::vector<std::byte> tuple;
};
void fill(cache& into, file_type file) {
    auto page = file.read<heap_page>(0);
    auto tuple = page->tuple(slot);
    into.tuple.assign(tuple.begin(), tuple.end());
}
#endif
