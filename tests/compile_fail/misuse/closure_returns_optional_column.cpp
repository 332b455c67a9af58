// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: rejects
// g++: the result of fn may borrow from the page
// clang-19: the result of fn may borrow from the page
// clang-22: the result of fn may borrow from the page
// why: an optional hides it.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    use(file.with_read<heap_page>(0, [](reader::view_type const& page) {
        auto row = page.row<user>(slot);
        auto const name = row.get<&user::name>();
        return std::optional{name.unguarded_view()};
    }));
#else
    use(file.with_read<heap_page>(0, [](reader::view_type const& page) {
        auto row = page.row<user>(slot);
        return std::optional<std::string>{row.get<&user::name>()};
    }));
#endif
}
