// SPDX-License-Identifier: BSL-1.0
// why: a page without a format is read and written by offsets.

void legal(file_type file) {
    auto page = file.append();
    page->bytes().store<std::uint32_t>(64, 7);
    auto bytes = page->bytes();
    use(bytes.load<std::uint32_t>(64) + bytes.size());
}
