// SPDX-License-Identifier: BSL-1.0
#include "fuzz/input.hpp"
#include "table/exercise_node.hpp"

// A node of a tree of any bytes: read, also as racy bytes, changed and split.

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    quire_test::fuzz_input const input{data, size};
    auto bytes = input.page(quire_test::node_bytes);
    auto choose = input.stream();
    outcome out;
    quire_test::exercise_node(
        std::span<std::byte, quire_test::node_bytes>{bytes.data(), quire_test::node_bytes}, choose,
        out);
    return 0;
}
