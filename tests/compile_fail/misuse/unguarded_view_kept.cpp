// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// poison: use-after-poison
// why: nothing follows an `unguarded_view`: the caller makes sure that it ends in time.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::string_view view;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        view = name.unguarded_view();
    }
    use(view);
#else
    std::string copy;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        copy = name.unguarded_view();
    }
    use(copy);
#endif
}
