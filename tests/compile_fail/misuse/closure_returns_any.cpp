// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: rejects
// g++: the result of fn may borrow from the page
// clang-19: the result of fn may borrow from the page
// clang-22: the result of fn may borrow from the page
// why: the type of a std::any does not show it.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    use(file.with_read<heap_page>(0, [](reader::view_type const& page) {
        auto row = page.row<user>(slot);
        auto const name = row.get<&user::name>();
        return std::any{name.unguarded_view()};
    }));
#else
    use(file.with_read<heap_page>(0, [](reader::view_type const& page) {
        auto row = page.row<user>(slot);
        return std::string{row.get<&user::name>()};
    }));
#endif
}
