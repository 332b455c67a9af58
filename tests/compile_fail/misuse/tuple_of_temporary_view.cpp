// SPDX-License-Identifier: BSL-1.0
// group: borrow from a temporary
// rust: rejects
// g++: use of deleted function
// clang-19: deleted
// clang-22: deleted
// why: a view made in passing lends nothing.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto raw = file.read(1);
    auto bytes = raw->bytes();
    use(quire::heap_page{bytes.unguarded_span().first<4096>()}.tuple(slot).size());
    use(page);
#else
    auto page = file.read<heap_page>(0);
    auto raw = file.read(1);
    auto bytes = raw->bytes();
    quire::heap_page view{bytes.unguarded_span().first<4096>()};
    use(view.tuple(slot).size());
    use(page);
#endif
}
