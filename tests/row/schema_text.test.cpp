// SPDX-License-Identifier: BSL-1.0
#include <quire/row/schema_text.hpp>

#include "catch.hpp"

namespace {

// The published vectors of FNV-1a, 64 bits.
static_assert(quire::fingerprint_of("") == 0xcbf29ce484222325);
static_assert(quire::fingerprint_of("a") == 0xaf63dc4c8601ec8c);
static_assert(quire::fingerprint_of("foobar") == 0x85944171f73967e8);
// A character is a byte, whether char has a sign or not.
static_assert(quire::fingerprint_of("\xff") == 0xaf64724c8602eb6e);

struct speller {
    static constexpr void spell(quire::detail::text_writer& to) {
        to.put("a");
        to.put(std::uintmax_t{0});
        to.put(",");
        to.put(std::uintmax_t{1000000007});
        to.put(std::string_view{});
    }
};
struct silent {
    static constexpr void spell(quire::detail::text_writer&) {}
};
static_assert(quire::detail::text_of<speller>::value == "a0,1000000007");
static_assert(quire::detail::text_of<silent>::value.empty());

}  // namespace

TEST_CASE("schema_text: a text is the same at run time") {
    CHECK(std::string{quire::detail::text_of<speller>::value} == "a0,1000000007");
}
