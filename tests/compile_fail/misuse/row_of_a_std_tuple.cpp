// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: a row is a described struct: give the values of a std::tuple
// clang-19: a row is a described struct: give the values of a std::tuple
// clang-22: a row is a described struct: give the values of a std::tuple
// why: columns have names, and a std::tuple gives its values none; nobody can describe it.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    use(page->insert(std::tuple{1, std::string{"Ada"}}));
#else
    auto page = file.write<heap_page>(0);
    use(page->insert(user{1, "Ada", {}}));
#endif
}
