// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// chosen: a pointer, a reference or a second name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// poison: stack-use-after-scope
// why: a task that runs later refers to a row that has ended.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::future<std::int64_t> id;
    {
        auto page = file.read<heap_page>(0);
        auto const row = page->row<user>(slot);
        id = std::async(std::launch::deferred, [&row] { return row.get<&user::id>(); });
    }
    use(id.get());
#else
    auto page = file.read<heap_page>(0);
    auto const row = page->row<user>(slot);
    use(std::async(std::launch::deferred, [&row] { return row.get<&user::id>(); }).get());
#endif
}
