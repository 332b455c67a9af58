// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: (temporary .* destroyed|does not live long enough)
// clang-22: (temporary .* destroyed|does not live long enough)
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: clang follows rows: without a name for the row it would not see the update.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto const name = page->row<user>(slot).get<&user::name>();
    use(page->update(slot, user{1, "Ada", {}}));
    use(name);
#else
    auto page = file.write<heap_page>(0);
    std::string const name = page->row<user>(slot).get<&user::name>();
    use(page->update(slot, user{1, "Ada", {}}));
    use(name);
#endif
}
