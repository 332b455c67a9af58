// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: rejects
// g++: the result of fn may borrow from the page
// clang-19: the result of fn may borrow from the page
// clang-22: the result of fn may borrow from the page
// why: bytes read without a latch may change, and an iterator reads them again.

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
