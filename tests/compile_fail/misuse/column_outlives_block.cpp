// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: -
// clang-22: (does not live long enough|outlive|local variable)
// poison: use-after-poison
// why: the string is in a page that no guard holds any more.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::string_view name;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        name = row.get<&user::name>();
    }
    use(name);
#else
    std::string name;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        name = row.get<&user::name>();
    }
    use(name);
#endif
}
