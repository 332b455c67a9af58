// SPDX-License-Identifier: BSL-1.0
// group: guard used after its end
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// contract: a guard is not used after release or transfer
// why: after the branch it is not known whether the page is held.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    if (page->size() > 0) { page.release(); }
    use(page->size());
#else
    auto page = file.read<heap_page>(0);
    if (page->size() > 0) {
        page.release();
        return;
    }
    use(page->size());
#endif
}
