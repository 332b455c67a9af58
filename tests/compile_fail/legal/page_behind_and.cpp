// SPDX-License-Identifier: BSL-1.0
// why: a page that is read in one branch of an expression needs no name.
// clang-22: is not held on every path

std::size_t count(auto const& page) { return page.size(); }
void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    if (page->contains(slot) && count(*page) > 1) { use(slot); }
}
