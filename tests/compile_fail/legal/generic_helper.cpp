// SPDX-License-Identifier: BSL-1.0
// why: a template over any page size and byte.

template <class Byte, std::size_t Size>
std::size_t longest(heap_page<Byte, Size> const& page) {
    std::size_t most = 0;
    for (auto one : page.slots()) { most = std::max(most, page.tuple(one).size()); }
    return most;
}
void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    use(longest(*page));
}
