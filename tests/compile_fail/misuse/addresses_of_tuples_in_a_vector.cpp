// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function .*operator&
// clang-19: a pointer to what a page lends could outlive it
// clang-22: a pointer to what a page lends could outlive it
// why: a tuple has no address to be kept: a vector of them would outlive it.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::vector<quire::byte_view<std::byte const> const*> all;
    {
        auto page = file.read<heap_page>(0);
        auto tuple = page->tuple(slot);
        all.push_back(&tuple);
    }
    use(all.front()->size());
#else
    std::vector<std::size_t> all;
    {
        auto page = file.read<heap_page>(0);
        auto tuple = page->tuple(slot);
        all.push_back(tuple.size());
    }
    use(all.front());
#endif
}
