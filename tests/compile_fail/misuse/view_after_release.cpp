// SPDX-License-Identifier: BSL-1.0
// group: guard used after its end
// rust: rejects
// g++: -
// clang-19: method 'view' on object 'page' while it is in the 'consumed' state
// clang-22: method 'view' on object 'page' while it is in the 'consumed' state
// contract: a guard is not used after release or transfer
// why: reading through a write guard that is over.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    page.release();
    use(page.view().size());
#else
    auto page = file.write<heap_page>(0);
    use(page.view().size());
    page.release();
#endif
}
