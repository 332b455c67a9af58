// SPDX-License-Identifier: BSL-1.0
// why: bytes of one page go into another.

void legal(file_type file) {
    auto from = file.write<heap_page>(0);
    auto to = file.write<heap_page>(1);
    {
        auto tuple = from->tuple(slot);
        if (!to->insert(tuple.span())) { return; }
    }
    from->erase(slot);
}
