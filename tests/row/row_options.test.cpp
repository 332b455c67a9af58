// SPDX-License-Identifier: BSL-1.0
#include <quire/row/row_options.hpp>

#include <quire/row/schema.hpp>

#include "catch.hpp"

using quire::schema;

namespace app {

struct entity {
    std::int64_t id;
};
BOOST_DESCRIBE_STRUCT(entity, (), (id))

struct user : entity {
    std::string name;
    std::optional<std::string> note;
    std::vector<std::byte> picture;
    std::optional<double> balance;
};
BOOST_DESCRIBE_STRUCT(user, (entity), (name, note, picture, balance))

struct keyed_by_text {
    std::int32_t other;
    std::string word;
};
BOOST_DESCRIBE_STRUCT(keyed_by_text, (), (other, word))

struct without {
    std::string name;
};
BOOST_DESCRIBE_STRUCT(without, (), (name))

struct with_no_options {
    std::string name;
};
BOOST_DESCRIBE_STRUCT(with_no_options, (), (name))

}  // namespace app

template <>
inline constexpr auto quire::row_options<app::user> =
    quire::options_of<app::user>(quire::max_bytes<&app::user::note, 10>, quire::key<&app::user::id>,
                                 quire::max_bytes<&app::user::name, 64>);
template <>
inline constexpr auto quire::row_options<app::keyed_by_text> =
    quire::options_of<app::keyed_by_text>(quire::key<&app::keyed_by_text::word>,
                                          quire::max_bytes<&app::keyed_by_text::word, 65535>);
template <>
inline constexpr auto quire::row_options<app::with_no_options> =
    quire::options_of<app::with_no_options>();

static_assert(schema<app::user>::key_index == 0);
static_assert(schema<app::user>::max_bytes<1> == 64 && schema<app::user>::max_bytes<2> == 10);
static_assert(schema<app::user>::max_bytes<3> == schema<app::user>::row_size_max);
static_assert(schema<app::keyed_by_text>::key_index == 1);
static_assert(schema<app::keyed_by_text>::max_bytes<1> == 65535);
static_assert(schema<app::without>::key_index == schema<app::without>::no_column);
static_assert(schema<app::without>::max_bytes<0> == 65535);
static_assert(schema<app::with_no_options>::key_index == 1);  // no_column
static_assert(schema<app::with_no_options>::max_bytes<0> == 65535);
// A base has options of its own.
static_assert(schema<app::entity>::key_index == schema<app::entity>::no_column);

TEST_CASE("row_options: they are no part of the schema's text") {
    CHECK(schema<app::user>::text == "id:i64,name:string,note:string?,picture:bytes,balance:f64?");
    CHECK(schema<app::without>::fingerprint == schema<app::with_no_options>::fingerprint);
}
