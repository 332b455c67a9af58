// SPDX-License-Identifier: BSL-1.0
// group: guard used after its end
// rust: rejects
// g++: -
// clang-19: method 'operator\*' on object 'page' while it is in the 'consumed' state
// clang-22: method 'operator\*' on object 'page' while it is in the 'consumed' state
// contract: a guard is not used after release or transfer
// why: a use by `*` of a guard that has ended.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    page.release();
    use((*page).size());
#else
    auto page = file.read<heap_page>(0);
    use((*page).size());
    page.release();
#endif
}
