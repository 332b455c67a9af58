// SPDX-License-Identifier: BSL-1.0
// group: borrow from a temporary
// rust: rejects
// g++: use of deleted function
// clang-19: deleted
// clang-22: deleted
// why: no guard would hold the page that is written.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    use(file.append<heap_page>()->insert(user{}));
#else
    auto page = file.append<heap_page>();
    use(page->insert(user{}));
#endif
}
