// SPDX-License-Identifier: BSL-1.0
#include "fuzz/input.hpp"
#include "table/exercise_file.hpp"

// A file of any eight pages of 512 bytes, opened as a catalog, checked, read and changed.

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    quire_test::fuzz_input const input{data, size};
    auto choose = input.stream();
    quire_test::catalog_outcome out;
    quire_test::exercise_file(input.page(std::size_t{8} * 512), choose, out);
    return 0;
}
