// SPDX-License-Identifier: BSL-1.0
// group: borrow from a temporary
// rust: rejects
// g++: use of deleted function
// clang-19: deleted
// clang-22: deleted
// why: the guard ends with the statement.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto const& page = *file.read<heap_page>(0);
    use(page.size());
#else
    auto guard = file.read<heap_page>(0);
    auto const& page = *guard;
    use(page.size());
#endif
}
