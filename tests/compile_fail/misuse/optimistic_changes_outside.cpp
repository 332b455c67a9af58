// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: -
// g++: fn returns what it found
// clang-19: fn returns what it found
// clang-22: fn returns what it found
// why: fn runs again when what it saw was not true; what it has stored by then stays.

void misuse([[maybe_unused]] file_type file) {
    std::uint64_t number = 0;
#ifdef MISUSE
    file.optimistic_read(
        0, [&](auto const& page) { number += page.bytes().template load<std::uint64_t>(64); });
#else
    number += file.optimistic_read(
        0, [](auto const& page) { return page.bytes().template load<std::uint64_t>(64); });
#endif
    use(number);
}
