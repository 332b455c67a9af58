// SPDX-License-Identifier: BSL-1.0
#include "fuzz/page_target.hpp"
#include "page/exercise_layout.hpp"

// The common header of any bytes, and what a heap page makes of it.

template <std::size_t N>
void fuzz_page(std::span<std::byte, N> page, quire_test::choices&, unsigned) {
    quire_test::outcome out;
    quire_test::exercise_header<N>(page, out);
    quire::heap_page<std::byte const, N> const heap{page};
    auto const header = quire::page_header::load(page.template first<24>());
    quire_test::require(
        heap.accepts(page) == (header.kind == quire::kind_no::heap && header.version == 1),
        "a heap page is known by its kind and version");
    bool const known = out.ask([&] { return heap.number().value(); });
    quire_test::require(known == quire::page_no::fits(header.number), "a page number is one");
    quire_test::require(heap.lsn() == header.lsn, "a log sequence number is any");
}
