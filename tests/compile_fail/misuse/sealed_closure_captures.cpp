// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: rejects
// g++: a sealed fn captures nothing
// clang-19: a sealed fn captures nothing
// clang-22: a sealed fn captures nothing
// why: what it captured could take a borrow out.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::string_view name;
    file.with_read_sealed<heap_page>(0, [&](reader::view_type const& page) {
        auto row = page.row<user>(slot);
        name = row.get<&user::name>();
    });
#else
    use(file.with_read_sealed<heap_page>(0, [](reader::view_type const& page) {
        auto row = page.row<user>(slot);
        return std::string{row.get<&user::name>()};
    }));
#endif
}
