// SPDX-License-Identifier: BSL-1.0
// why: the algorithms of std::ranges over bytes.

bool legal(file_type file) {
    auto page = file.read<heap_page>(0);
    auto tuple = page->tuple(slot);
    return std::ranges::find(tuple, std::byte{7}) != tuple.end();
}
