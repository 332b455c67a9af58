// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: rejects
// g++: use of deleted function .*column_text::operator
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: the closure writes to a variable outside: in a sealed one it could not.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::string_view name;
    file.with_read<heap_page>(0, [&](reader::view_type const& page) {
        auto row = page.row<user>(slot);
        name = row.get<&user::name>();
    });
    use(name);
#else
    std::string name;
    file.with_read<heap_page>(0, [&](reader::view_type const& page) {
        auto row = page.row<user>(slot);
        name = row.get<&user::name>();
    });
    use(name);
#endif
}
