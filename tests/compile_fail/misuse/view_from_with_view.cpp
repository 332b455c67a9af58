// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: the result of fn may refer to the page
// clang-19: the result of fn may refer to the page
// clang-22: the result of fn may refer to the page
// why: what a function makes of a view must own it.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto row = page->row<user>(slot);
    auto const word = row.get<&user::name>().with_view([](auto view) { return view.substr(1); });
    use(word);
#else
    auto page = file.write<heap_page>(0);
    auto row = page->row<user>(slot);
    auto const word = row.get<&user::name>().with_view(
        [](auto view) { return std::string{view.substr(1)}; });
    use(word);
#endif
}
