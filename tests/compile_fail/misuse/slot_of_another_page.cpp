// SPDX-License-Identifier: BSL-1.0
// group: slot of another page
// rust: accepts
// g++: -
// clang-19: -
// clang-22: -
// uncaught: indexes keep slot numbers; one that the page does not have is errc::no_such_tuple
// why: a slot number says nothing of its page.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    slot_id there;
    {
        auto page = file.write<heap_page>(1);
        there = page->insert(user{7, "Grace", {}}).value();
    }
    auto page = file.read<heap_page>(0);
    if (page->contains(there)) { use(page->row<user>(there).get<&user::id>()); }
#else
    slot_id there;
    {
        auto page = file.write<heap_page>(1);
        there = page->insert(user{7, "Grace", {}}).value();
    }
    auto page = file.read<heap_page>(1);
    use(page->row<user>(there).get<&user::id>());
#endif
}
