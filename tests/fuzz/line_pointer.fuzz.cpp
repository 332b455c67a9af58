// SPDX-License-Identifier: BSL-1.0
#include "fuzz/page_target.hpp"
#include "page/exercise_layout.hpp"

// Line pointers of any bits.

template <std::size_t N>
void fuzz_page(std::span<std::byte, N> page, quire_test::choices& choose, unsigned) {
    quire_test::outcome out;
    for (std::size_t at = 32; at < 64; at += 4) {
        quire_test::exercise_line_pointer(quire::load_le<std::uint32_t>(page.data() + at), out);
    }
    quire_test::exercise_line_pointer(static_cast<std::uint32_t>(choose.bits()), out);
}
