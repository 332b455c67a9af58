// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: rejects
// g++: the result of fn may borrow from the page
// clang-19: the result of fn may borrow from the page
// clang-22: the result of fn may borrow from the page
// why: an aggregate hides it.

#ifdef MISUSE
struct found {
    std::int64_t id;
    std::string_view name;
};
void misuse(file_type file) {
    use(file.with_read<heap_page>(0, [](reader::view_type const& page) {
        auto row = page.row<user>(slot);
        auto const name = row.get<&user::name>();
        return found{row.get<&user::id>(), name.unguarded_view()};
    }));
}
#else
struct found {
    std::int64_t id;
    std::string name;
};
void misuse(file_type file) {
    use(file.with_read<heap_page>(0, [](reader::view_type const& page) {
        auto row = page.row<user>(slot);
        return found{row.get<&user::id>(), std::string{row.get<&user::name>()}};
    }));
}
#endif
