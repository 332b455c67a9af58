// SPDX-License-Identifier: BSL-1.0
// why: ten pages at once, one result of them all.

std::size_t rows(file_type file) {
    std::size_t sum = 0;
    for (std::uint64_t no = 0; no < 10; ++no) {
        auto page = file.read<heap_page>(no);
        for (auto row : page->rows<user>()) { sum += row.get<&user::name>().size(); }
    }
    return sum;
}
void legal(file_type file) {
    use(rows(file));
    std::deque<reader> held;
    for (std::uint64_t no = 0; no < 10; ++no) { held.emplace_back(file, no); }
    std::size_t sum = 0;
    for (auto const& page : held) { sum += page->size(); }
    use(sum);
}
