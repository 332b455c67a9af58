// SPDX-License-Identifier: BSL-1.0
#include "fuzz/page_target.hpp"
#include "page/exercise.hpp"

// Walks over slots and rows of any bytes, while these change under the walk.

template <std::size_t N>
void fuzz_page(std::span<std::byte, N> page, quire_test::choices& choose, unsigned) {
    quire_test::outcome out;
    quire_test::heap_exercise<N>{page, choose, out}.walk_and_change();
}
