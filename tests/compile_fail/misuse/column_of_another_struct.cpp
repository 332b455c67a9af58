// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: the pointer names no described member
// clang-19: the pointer names no described member
// clang-22: the pointer names no described member
// why: the member belongs to another struct.

struct other {
    int a = 0;
};

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    row.get<&other::a>();
#else
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    use(row.get<&user::id>());
#endif
}
