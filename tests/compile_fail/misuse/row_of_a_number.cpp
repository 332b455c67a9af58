// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: use of deleted function .*a_slot_is_a_slot_id
// clang-19: a row is found by the quire::slot_id
// clang-22: a row is found by the quire::slot_id
// why: numbers of slots are a type of their own.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    use(page->row<user>(0).get<&user::id>());
#else
    auto page = file.write<heap_page>(0);
    use(page->row<user>(slot_id{0}).get<&user::id>());
#endif
}
