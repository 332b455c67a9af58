// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: describe the rows of a table with BOOST_DESCRIBE_STRUCT
// clang-19: describe the rows of a table with BOOST_DESCRIBE_STRUCT
// clang-22: describe the rows of a table with BOOST_DESCRIBE_STRUCT
// why: a row needs a description, in a table, too.

struct thing {
    std::int64_t id = 0;
};

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, empty] = with_nothing();
    quire::catalog db{pool, std::move(empty)};
    quire::table<thing, quire::unique<&thing::id>> things{db, "things"};
#else
    auto [pool, empty] = with_nothing();
    quire::catalog db{pool, std::move(empty)};
    quire::table<user, quire::unique<&user::id>> users{db, "users"};
    users.insert({1, "Ada", {}});
#endif
}
