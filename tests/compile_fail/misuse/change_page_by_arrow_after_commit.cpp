// SPDX-License-Identifier: BSL-1.0
// group: page of a change
// chosen: a pointer, a reference or a second name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: does not live long enough
// poison: stack-use-after-scope
// why: see page_by_arrow_after_release.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, accounts] = with_log();
    quire::change change{pool};
    heap_page<std::byte, 4096>* kept = nullptr;
    {
        auto page = change.write<heap_page>(accounts, 0);
        kept = page.operator->();
    }
    change.commit();
    use(kept->size());
#else
    auto [pool, accounts] = with_log();
    quire::change change{pool};
    {
        auto page = change.write<heap_page>(accounts, 0);
        use(page.operator->()->size());
    }
    change.commit();
#endif
}
