// SPDX-License-Identifier: BSL-1.0
// group: mutable bytes are lent alone
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'tuple' while mutable loan 'page->lent_mutable' is held
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: two borrows that may both write, perhaps the same bytes.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto one = page->tuple(slot);
    auto two = page->tuple(slot);
    two.store<std::uint8_t>(0, one.load<std::uint8_t>(0));
#else
    auto page = file.write<heap_page>(0);
    auto one = page->tuple(slot);
    one.store<std::uint8_t>(0, one.load<std::uint8_t>(0));
#endif
}
