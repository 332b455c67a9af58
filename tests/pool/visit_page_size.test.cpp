// SPDX-License-Identifier: BSL-1.0
#include <quire/pool/visit_page_size.hpp>

#include "catch.hpp"
#include "pool/calls.hpp"

using quire_test::refusal;

TEST_CASE("visit_page_size: the size is a constant of the function") {
    auto const doubled = [](auto size) {
        static_assert(quire::pool_page_size<size>);
        return 2 * size;
    };
    for (std::size_t n = 512; n <= 65'536; n *= 2) {
        CHECK(quire::visit_page_size(n, doubled) == 2 * n);
    }
    CHECK(quire::visit_page_size<4096, 1 << 20>(1 << 20, doubled) == 2 << 20);
}

TEST_CASE("visit_page_size: any other size is refused, and nothing called") {
    int calls = 0;
    auto const count = [&](auto) { ++calls; };
    for (std::size_t const n : {0U, 1U, 256U, 513U, 4095U, 131'072U}) {
        CHECK(refusal([&] { quire::visit_page_size(n, count); }) == quire::errc::bad_option);
    }
    CHECK(refusal([&] { quire::visit_page_size<4096>(8192, count); }) ==
          quire::errc::bad_option);
    CHECK(calls == 0);
}
