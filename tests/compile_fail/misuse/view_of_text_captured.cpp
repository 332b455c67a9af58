// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: (address of|reference to) stack memory
// clang-22: (address of|reference to) stack memory
// poison: use-after-poison
// why: the closure carries the view out.

#ifdef MISUSE
auto later(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    auto const name = row.get<&user::name>();
    return [view = name.view()] { return view; };
}
void misuse(file_type file) {
    use(later(file)());
}
#else
auto later(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    auto const name = row.get<&user::name>();
    return [copy = std::string{name}] { return copy; };
}
void misuse(file_type file) {
    use(later(file)());
}
#endif
