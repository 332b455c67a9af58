// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// chosen: a view that code has vouched for
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// uncaught: code has vouched for the view; its text has ended, and the frame is held all the time
// why: the new text stands where the old one was.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    std::string_view view;
    {
        auto const row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        view = name.unguarded_view();
    }
    use(page->update(slot, user{1, "another one with a name of forty letters", 1.5}));
    use(view);
#else
    auto page = file.write<heap_page>(0);
    use(page->update(slot, user{1, "another one with a name of forty letters", 1.5}));
    auto const row = page->row<user>(slot);
    auto const name = row.get<&user::name>();
    use(name.unguarded_view());
#endif
}
