// SPDX-License-Identifier: BSL-1.0
#include <quire/page/page_change.hpp>

#include "catch.hpp"

#include <quire/page/heap_page.hpp>

#include <array>
#include <string>

using quire::heap_page;

namespace {

using page_type = heap_page<std::byte, 512>;

struct frame {
    alignas(512) std::array<std::byte, 512> bytes{};
    frame() { page_type::format(bytes, 7); }
    ~frame() { quire::unpoison(bytes); }
};

std::span<std::byte const> tuple(std::string const& text) {
    return std::as_bytes(std::span{text});
}

/// Whether touching byte `i` would be reported.
bool is_shut([[maybe_unused]] frame const& f, [[maybe_unused]] std::size_t i) {
#if defined(QUIRE_ASAN)
    return __asan_address_is_poisoned(f.bytes.data() + i) != 0;
#else
    return false;
#endif
}

}  // namespace

TEST_CASE("page_change: the free gap of a page in a frame is shut between changes") {
    frame f;
    page_type page{f.bytes};
    page.frame_is_mine();
    auto const a = page.insert(tuple(std::string(80, 'a'))).value();
    auto const b = page.insert(tuple(std::string(80, 'b'))).value();
    // Two line pointers end at 40, tuples begin at 352.
    CHECK(is_shut(f, 40) == quire::poisoning);
    CHECK(is_shut(f, 351) == quire::poisoning);
    CHECK_FALSE(is_shut(f, 39));
    CHECK_FALSE(is_shut(f, 352));

    CHECK(page.erase(a));
    page.compact();  // b is at 432 now
    CHECK(is_shut(f, 352) == quire::poisoning);
    CHECK(is_shut(f, 431) == quire::poisoning);
    CHECK_FALSE(is_shut(f, 432));
    CHECK(page.tuple(b)[0] == std::byte{'b'});

    CHECK(page.insert(tuple(std::string(300, 'c'))).has_value());  // into what was shut
    CHECK_FALSE(is_shut(f, 140));
    page.validate();
}

TEST_CASE("page_change: what a tuple leaves behind is shut at once") {
    frame f;
    page_type page{f.bytes};
    page.frame_is_mine();
    auto const a = page.insert(tuple(std::string(80, 'a'))).value();  // at 432
    auto const b = page.insert(tuple(std::string(80, 'b'))).value();  // at 352
    CHECK(page.erase(a));
    CHECK(is_shut(f, 432) == quire::poisoning);
    CHECK(is_shut(f, 511) == quire::poisoning);
    CHECK_FALSE(is_shut(f, 352));
    CHECK_FALSE(is_shut(f, 431));
    CHECK(page.update(b, tuple(std::string(40, 'c'))));  // shorter, in place
    CHECK_FALSE(is_shut(f, 391));
    CHECK(is_shut(f, 392) == quire::poisoning);
    CHECK(page.tuple(b).size() == 40);
    page.validate();
}

TEST_CASE("page_change: the outermost of nested changes opens and shuts") {
    frame f;
    quire::slotted const layout{std::span<std::byte, 512>{f.bytes}};
    quire::heap_page<std::byte, 512> page{f.bytes};
    page.frame_is_mine();
    {
        quire::page_change const outer{page, layout};
        { quire::page_change const inner{page, layout}; }
        CHECK_FALSE(is_shut(f, 100));
    }
    CHECK(is_shut(f, 100) == quire::poisoning);
}

TEST_CASE("page_change: a page of the user's own memory is never shut") {
    frame f;
    page_type page{f.bytes};
    CHECK(page.insert(tuple("a")).has_value());
    for (std::size_t i = 0; i < 512; ++i) { CHECK_FALSE(is_shut(f, i)); }
}

TEST_CASE("page_change: a page that contradicts itself has no gap") {
    frame f;
    f.bytes[26] = std::byte{0xFF};  // free_upper is behind the page
    f.bytes[27] = std::byte{0xFF};
    page_type page{f.bytes};
    page.frame_is_mine();
    CHECK_THROWS_AS(page.compact(), quire::error);
    for (std::size_t i = 0; i < 512; ++i) { CHECK_FALSE(is_shut(f, i)); }
}

TEST_CASE("page_change: a change that fails shuts the gap as it was") {
    frame f;
    page_type page{f.bytes};
    page.frame_is_mine();
    CHECK(page.insert(tuple("a")).has_value());
    CHECK_THROWS_AS(page.insert(tuple(std::string(600, 'x'))), quire::error);
    CHECK_FALSE(page.insert(tuple(std::string(474, 'x'))).has_value());
    CHECK(is_shut(f, 40) == quire::poisoning);
    CHECK(is_shut(f, 503) == quire::poisoning);
}
