// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: rejects
// g++: the arguments of a sealed fn own what they hold
// clang-19: the arguments of a sealed fn own what they hold
// clang-22: the arguments of a sealed fn own what they hold
// why: an argument could take a borrow out.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::string_view name;
    file.with_read_sealed<heap_page>(0, [](reader::view_type const& page, std::string_view& out) {
        auto row = page.row<user>(slot);
        out = row.get<&user::name>();
    }, name);
#else
    std::string name;
    file.with_read_sealed<heap_page>(0, [](reader::view_type const& page, std::string& out) {
        auto row = page.row<user>(slot);
        out = row.get<&user::name>();
    }, name);
#endif
}
