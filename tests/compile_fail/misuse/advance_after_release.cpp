// SPDX-License-Identifier: BSL-1.0
// group: guard used after its end
// rust: rejects
// g++: -
// clang-19: method 'advance' on object 'page' while it is in the 'consumed' state
// clang-22: method 'advance' on object 'page' while it is in the 'consumed' state
// contract: a guard is not used after release or transfer
// why: there is nothing to advance from.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    page.release();
    page.advance(file, 1);
#else
    auto page = file.read<heap_page>(0);
    page.advance(file, 1);
    page.release();
#endif
}
