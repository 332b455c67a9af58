// SPDX-License-Identifier: BSL-1.0
// group: guard used after its end
// rust: rejects
// g++: -
// clang-19: invalid invocation of method 'logged'
// clang-22: invalid invocation of method 'logged'
// contract: a guard is not used after release or transfer
// why: code that has released the page must not change it.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    page.release();
    page.logged(7);
#else
    auto page = file.write<heap_page>(0);
    page.logged(7);
    page.release();
#endif
}
