// SPDX-License-Identifier: BSL-1.0
// why: a row that is needed only if the slot is used needs no name.
// clang-22: is not held on every path

void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    if (page->contains(slot) && page->row<user>(slot).get<&user::name>() == "Ada") { use(slot); }
}
