// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: rejects
// g++: the result of fn may borrow from the page
// clang-19: the result of fn may borrow from the page
// clang-22: the result of fn may borrow from the page
// why: `unguarded_span()` gives a standard span.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    use(file.with_read<heap_page>(0, [](reader::view_type const& page) {
        auto tuple = page.tuple(slot);
        return tuple.unguarded_span();
    }));
#else
    use(file.with_read<heap_page>(0, [](reader::view_type const& page) {
        auto tuple = page.tuple(slot);
        return tuple.size();
    }));
#endif
}
