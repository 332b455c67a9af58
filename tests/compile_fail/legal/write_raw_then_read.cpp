// SPDX-License-Identifier: BSL-1.0
// why: mutable bytes end at their brace, then rows are lent.

void legal(file_type file) {
    auto page = file.write<heap_page>(0);
    {
        auto bytes = page->tuple(slot);
        bytes.store<std::uint8_t>(0, bytes.load<std::uint8_t>(0));
    }
    page->tuple(slot).store<std::uint8_t>(0, 0);
    for (auto row : page->rows<user>()) { use(row.get<&user::id>()); }
}
