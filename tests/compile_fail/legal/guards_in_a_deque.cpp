// SPDX-License-Identifier: BSL-1.0
// why: guards in a deque.

void legal(file_type file) {
    std::deque<writer> held;
    held.emplace_back(file, 0);
    held.emplace_back(file, 1);
    for (auto& page : held) { page->compact(); }
}
