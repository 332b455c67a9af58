// SPDX-License-Identifier: BSL-1.0
// group: a page by another name
// rust: rejects
// g++: use of deleted function .*operator&
// clang-19: a pointer to what a page lends could outlive it
// clang-22: a pointer to what a page lends could outlive it
// why: the object outlives the page by its name.

struct lookup {
    reader::view_type const* in = nullptr;
};
void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    lookup found;
    {
        auto page = file.read<heap_page>(0);
        auto view = *page;
        found.in = &view;
    }
    use(found.in->size());
#else
    lookup found;
    auto page = file.read<heap_page>(0);
    auto view = *page;
    use(found.in == nullptr ? view.size() : 0);
#endif
}
