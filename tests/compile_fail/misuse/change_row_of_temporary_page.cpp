// SPDX-License-Identifier: BSL-1.0
// group: page of a change
// rust: rejects
// g++: use of deleted function .*name_the_page_first
// clang-19: a temporary ends at once: name it first
// clang-22: a temporary ends at once: name it first
// why: the row would be of a page that has no name any more.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, accounts] = with_log();
    quire::change change{pool};
    auto row = change.write<heap_page>(accounts, 0)->row<user>(slot);
    use(row.get<&user::id>());
#else
    auto [pool, accounts] = with_log();
    quire::change change{pool};
    auto page = change.write<heap_page>(accounts, 0);
    auto row = page->row<user>(slot);
    use(row.get<&user::id>());
#endif
}
