// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// chosen: a view that code has vouched for
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// poison: use-after-poison
// why: what a closure stores elsewhere is not followed.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::vector<std::string_view> names;
    {
        auto page = file.read<heap_page>(0);
        for (auto const& row : page->rows<user>()) {
            row.get<&user::name>().with_view([&](std::string_view name) { names.push_back(name); });
        }
    }
    use(names[0]);
#else
    std::vector<std::string> names;
    {
        auto page = file.read<heap_page>(0);
        for (auto const& row : page->rows<user>()) {
            row.get<&user::name>().with_view(
                [&](std::string_view name) { names.emplace_back(name); });
        }
    }
    use(names[0]);
#endif
}
