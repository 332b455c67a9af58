// SPDX-License-Identifier: BSL-1.0
#include "fuzz/page_target.hpp"
#include "page/exercise_layout.hpp"

// The slotted layout of any bytes, behind the usual header and behind a longer one.

template <std::size_t N>
void fuzz_page(std::span<std::byte, N> page, quire_test::choices& choose, unsigned how) {
    quire_test::outcome out;
    auto const exercise = [&](auto slots) {
        if ((how & 4U) != 0) { slots.read(2); }
        for (std::size_t i = choose.below(4); i < 4; ++i) { slots.change(); }
        if ((how & 8U) != 0) { slots.read(2); }
    };
    if ((how & 16U) != 0) {
        exercise(quire_test::slotted_exercise<N, 64>{page, choose, out});
    } else {
        exercise(quire_test::slotted_exercise<N>{page, choose, out});
    }
}
