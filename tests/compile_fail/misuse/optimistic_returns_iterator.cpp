// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: rejects
// g++: the result of fn may borrow from the page
// clang-19: the result of fn may borrow from the page
// clang-22: the result of fn may borrow from the page
// why: what was read without a latch is true for a moment, and an iterator looks again.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto const first = file.optimistic_read(0, [](auto const& page) {
        auto const bytes = page.bytes();
        return bytes.begin();
    });
    use(*first);
#else
    auto const first = file.optimistic_read(0, [](auto const& page) {
        auto const bytes = page.bytes();
        return *bytes.begin();
    });
    use(first);
#endif
}
