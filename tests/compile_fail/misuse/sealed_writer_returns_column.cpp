// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: rejects
// g++: the result of fn may borrow from the page
// clang-19: the result of fn may borrow from the page
// clang-22: the result of fn may borrow from the page
// why: the string lies in the page.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    use(file.with_write_sealed<heap_page>(0, [](writer::view_type& page) {
        auto row = page.row<user>(slot);
        return row.get<&user::name>();
    }));
#else
    use(file.with_write_sealed<heap_page>(0, [](writer::view_type& page) {
        auto row = page.row<user>(slot);
        return row.load().name;
    }));
#endif
}
