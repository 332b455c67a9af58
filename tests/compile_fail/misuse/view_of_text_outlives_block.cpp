// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: -
// clang-22: (does not live long enough|outlive|local variable|stack memory)
// poison: use-after-poison
// why: a named text gives a view, which ends with it.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::string_view view;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        view = name;
    }
    use(view);
#else
    std::string copy;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        copy = name;
    }
    use(copy);
#endif
}
