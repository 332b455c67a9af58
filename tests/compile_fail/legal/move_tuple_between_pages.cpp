// SPDX-License-Identifier: BSL-1.0
// why: bytes of one page go into another.

void legal(file_type file) {
    auto from = file.write<heap_page>(0);
    auto to = file.write<heap_page>(1);
    if (!to->insert(from->tuple(slot))) { return; }
    use(to->update(last_slot, from->tuple(slot)));
    from->erase(slot);
}
