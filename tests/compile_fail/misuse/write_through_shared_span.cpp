// SPDX-License-Identifier: BSL-1.0
// group: mutation through shared access
// rust: rejects
// g++: assignment of read-only
// clang-19: (cannot assign|not assignable|read-only)
// clang-22: (cannot assign|not assignable|read-only)
// why: the span of a shared page is const as well.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read(0);
    auto bytes = page->bytes();
    bytes.unguarded_span()[64] = std::byte{1};
#else
    auto page = file.write(0);
    auto bytes = page->bytes();
    bytes.unguarded_span()[64] = std::byte{1};
#endif
}
