// SPDX-License-Identifier: BSL-1.0
#include "fuzz/page_target.hpp"
#include "page/exercise_layout.hpp"

// A page without a format, as bytes: shared, exclusive, and read without a latch.

template <std::size_t N>
void fuzz_page(std::span<std::byte, N> page, quire_test::choices& choose, unsigned) {
    quire_test::outcome out;
    quire_test::exercise_raw_page<N>(page, choose, out);
}
