// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function .*operator&
// clang-19: a pointer to what a page lends could outlive it
// clang-22: a pointer to what a page lends could outlive it
// why: the closure is called when the range has ended.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::function<std::size_t()> later;
    {
        auto page = file.read<heap_page>(0);
        auto slots = page->slots();
        later = [kept = &slots] { return static_cast<std::size_t>((*kept->begin()).value()); };
    }
    use(later());
#else
    std::function<std::size_t()> later;
    {
        auto page = file.read<heap_page>(0);
        auto slots = page->slots();
        later = [first = *slots.begin()] { return static_cast<std::size_t>(first.value()); };
    }
    use(later());
#endif
}
