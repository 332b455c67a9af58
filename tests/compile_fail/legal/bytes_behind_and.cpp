// SPDX-License-Identifier: BSL-1.0
// why: the bytes of a tuple that are needed only if the slot is used need no name.
// clang-22: is not held on every path

void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    if (page->contains(slot) && page->tuple(slot).size() > 8) { use(slot); }
}
