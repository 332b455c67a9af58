// SPDX-License-Identifier: BSL-1.0
#include "fuzz/page_target.hpp"
#include "page/exercise.hpp"

// A heap page of any bytes: what it says, and a few operations, one after the other.

template <std::size_t N>
void fuzz_page(std::span<std::byte, N> page, quire_test::choices& choose, unsigned how) {
    quire_test::outcome out;
    quire_test::heap_exercise<N> heap{page, choose, out};
    if ((how & 4U) != 0) { heap.read(1); }
    for (std::size_t i = choose.below(4); i < 4; ++i) { heap.change(); }
    if ((how & 8U) != 0) { heap.read(1); }
}
