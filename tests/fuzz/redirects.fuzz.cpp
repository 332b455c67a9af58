// SPDX-License-Identifier: BSL-1.0
#include "fuzz/page_target.hpp"
#include "page/exercise_redirects.hpp"

// Chains of redirects, all that a page of a few slots can have; the input's page is not used.

template <std::size_t N>
void fuzz_page(std::span<std::byte, N>, quire_test::choices& choose, unsigned how) {
    quire_test::outcome out;
    quire_test::redirects_exercise{choose, (how & 4U) != 0, out}.compare();
}
