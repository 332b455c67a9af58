// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// chosen: an iterator that outlives its text
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// uncaught: an iterator is not counted when its text has ended, and the frame is held all the time
// why: the new text stands where the old one was.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    quire::column_text::iterator letter;
    {
        auto const row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        letter = name.begin();
    }
    use(page->update(slot, user{1, "another one with a name of forty letters", 1.5}));
    use(*letter);
#else
    auto page = file.write<heap_page>(0);
    use(page->update(slot, user{1, "another one with a name of forty letters", 1.5}));
    auto const row = page->row<user>(slot);
    auto const name = row.get<&user::name>();
    use(*name.begin());
#endif
}
