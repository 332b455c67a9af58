// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// chosen: a view that code has vouched for
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// uncaught: code has vouched for the struct; its row has ended, and the frame is held all the time
// why: the new text stands where the old one was.

struct peek {
    std::int64_t id = 0;
    std::string_view name;
    std::optional<double> balance;
};
BOOST_DESCRIBE_STRUCT(peek, (), (id, name, balance))
void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    peek kept;
    {
        auto const row = page->row<user>(slot);
        kept = row.unguarded_load<peek>();
    }
    use(page->update(slot, user{1, "another one with a name of forty letters", 1.5}));
    use(kept.name);
#else
    auto page = file.write<heap_page>(0);
    use(page->update(slot, user{1, "another one with a name of forty letters", 1.5}));
    auto const row = page->row<user>(slot);
    auto const now = row.unguarded_load<peek>();
    use(now.name);
#endif
}
