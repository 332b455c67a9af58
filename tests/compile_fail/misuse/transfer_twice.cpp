// SPDX-License-Identifier: BSL-1.0
// group: guard used after its end
// rust: rejects
// g++: -
// clang-19: method 'transfer' on object 'page' while it is in the 'consumed' state
// clang-22: method 'transfer' on object 'page' while it is in the 'consumed' state
// contract: a guard is not used after release or transfer
// why: a page is handed over once.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto one = page.transfer();
    auto two = page.transfer();
    use(one->size() + two->size());
#else
    auto page = file.read<heap_page>(0);
    auto one = page.transfer();
    auto two = one.transfer();
    use(two->size());
#endif
}
