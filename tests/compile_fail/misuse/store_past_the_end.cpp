// SPDX-License-Identifier: BSL-1.0
// group: out of bounds
// rust: accepts
// g++: -
// clang-19: -
// clang-22: -
// contract: an offset lies inside the byte_view
// why: an offset behind the page; Rust panics there.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.append();
    auto bytes = page->bytes();
    bytes.store<std::uint64_t>(pool_type::page_size, 0);
#else
    auto page = file.append();
    auto bytes = page->bytes();
    bytes.store<std::uint64_t>(pool_type::page_size - 8, 0);
#endif
}
