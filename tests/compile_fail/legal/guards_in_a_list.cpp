// SPDX-License-Identifier: BSL-1.0
// why: a batch of pages, held together.

void legal(file_type file) {
    std::list<reader> held;
    for (std::uint64_t no = 0; no < 10; ++no) { held.emplace_back(file, no); }
    std::size_t rows = 0;
    for (auto const& page : held) { rows += page->size(); }
    use(rows);
}
