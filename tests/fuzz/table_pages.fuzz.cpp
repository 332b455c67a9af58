// SPDX-License-Identifier: BSL-1.0
#include "fuzz/input.hpp"
#include "table/exercise.hpp"

// A page of any bytes, as each page kind of table/. Bits 2 to 4 of the first byte say which.

namespace {

template <std::size_t N>
void fuzz_input_of_size(quire_test::fuzz_input const& input) {
    auto bytes = input.page(N);
    std::span<std::byte, N> const page{bytes.data(), N};
    auto choose = input.stream();
    outcome out;
    quire_test::table_page const kind{((input.how >> 2) & 7U) % quire_test::table_pages};
    quire_test::exercise_table_page<N>(kind, page, choose, out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    quire_test::fuzz_input const input{data, size};
    if (input.is_large()) {
        fuzz_input_of_size<4096>(input);
    } else {
        fuzz_input_of_size<512>(input);
    }
    return 0;
}
