// SPDX-License-Identifier: BSL-1.0
// group: slot of another page
// rust: accepts
// g++: -
// clang-19: -
// clang-22: -
// uncaught: indexes keep slot numbers; after `kill` one is not given out again until `reclaim`
// why: after an erase the number may be given to another tuple.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    page->erase(slot);
    auto other = page->insert(user{8, "Joan", {}});
    use(other);
    use(page->row<user>(slot).get<&user::id>());
#else
    auto page = file.write<heap_page>(0);
    page->kill(slot);
    auto other = page->insert(user{8, "Joan", {}});
    use(other);
    use(page->contains(slot));
#endif
}
