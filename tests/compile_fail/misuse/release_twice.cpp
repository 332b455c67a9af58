// SPDX-License-Identifier: BSL-1.0
// group: guard used after its end
// rust: rejects
// g++: -
// clang-19: method 'release' on object 'page' while it is in the 'consumed' state
// clang-22: method 'release' on object 'page' while it is in the 'consumed' state
// contract: a guard is not used after release or transfer
// why: a page is released once.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    page.release();
    page.release();
#else
    auto page = file.read<heap_page>(0);
    page.release();
#endif
}
