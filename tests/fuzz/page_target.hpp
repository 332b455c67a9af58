// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_target: a fuzz target over pages. It defines the program's entry points, so exactly one
/// file of a program includes it, and defines
///
///     template <std::size_t N> void fuzz_page(std::span<std::byte, N>, choices&, unsigned how);
///
/// Half of the mutations are the fuzzer's own, the others damage a page where it hurts
/// (page/hostile.hpp) or change the choices alone. Inputs have at most 33 + 4096 bytes: -max_len.

#include "fuzz/input.hpp"
#include "page/hostile.hpp"

template <std::size_t N>
void fuzz_page(std::span<std::byte, N> page, quire_test::choices& choose, unsigned how);

namespace {

template <std::size_t N>
void fuzz_input_of_size(quire_test::fuzz_input const& input) {
    auto bytes = input.page(N);
    std::span<std::byte, N> const page{bytes.data(), N};
    if (input.is_repaired()) { quire_test::repair<N>(page); }
    auto choose = input.stream();
    fuzz_page<N>(page, choose, input.how);
}

template <std::size_t N>
std::size_t damage_input(std::uint8_t* data, std::size_t size, quire_test::choices& choose) {
    constexpr std::size_t whole = quire_test::fuzz_input::content_at + N;
    if (size < whole) { std::memset(data + size, 0, whole - size); }
    auto* const first = reinterpret_cast<std::byte*>(data) + quire_test::fuzz_input::content_at;
    std::span<std::byte, N> const page{first, N};
    std::size_t const times = choose.between(1, 3);
    for (std::size_t i = 0; i < times; ++i) { quire_test::damage<N>(page, choose); }
    if (choose.chance(1, 2)) { quire_test::repair<N>(page); }
    return whole;
}

}  // namespace

extern "C" {

std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);
int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max,
                                    unsigned seed);

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    quire_test::fuzz_input const input{data, size};
    if (input.is_large()) {
        fuzz_input_of_size<4096>(input);
    } else {
        fuzz_input_of_size<512>(input);
    }
    return 0;
}

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max,
                                    unsigned seed) {
    quire_test::choices choose{seed};
    std::size_t const how = choose.below(4);
    std::size_t const head = quire_test::fuzz_input::content_at;
    if (how == 0 && size >= head) {
        for (std::size_t i = choose.below(4); i < 4; ++i) {
            data[choose.below(head)] = static_cast<std::uint8_t>(choose.below(256));
        }
        return size;
    }
    if (how == 1 && size >= head && size_max >= head + 4096) {
        return (data[0] & 1U) != 0 ? damage_input<4096>(data, size, choose)
                                   : damage_input<512>(data, size, choose);
    }
    return LLVMFuzzerMutate(data, size, size_max);
}

}  // extern "C"
