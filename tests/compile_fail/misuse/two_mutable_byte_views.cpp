// SPDX-License-Identifier: BSL-1.0
// group: mutable bytes are lent alone
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'bytes' while mutable loan 'page->lent_mutable' is held
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: all bytes of the page, twice.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.append();
    auto one = page->bytes();
    auto two = page->bytes();
    two.store<std::uint8_t>(64, one.load<std::uint8_t>(64));
#else
    auto page = file.append();
    auto one = page->bytes();
    one.store<std::uint8_t>(64, one.load<std::uint8_t>(65));
#endif
}
