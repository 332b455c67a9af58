// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// poison: use-after-poison
// why: the names of a row end with each step of the loop.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::string_view view;
    {
        auto page = file.read<heap_page>(0);
        for (auto const& [id, name, balance] : page->rows<user>()) {
            if (id == 0) { view = name; }
        }
    }
    use(view);
#else
    std::string copy;
    {
        auto page = file.read<heap_page>(0);
        for (auto const& [id, name, balance] : page->rows<user>()) {
            if (id == 0) { copy = name; }
        }
    }
    use(copy);
#endif
}
