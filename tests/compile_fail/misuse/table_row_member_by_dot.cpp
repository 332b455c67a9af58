// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: row.template get<&order::id>\(\)
// clang-19: row.template get<&order::id>\(\)
// clang-22: row.template get<&order::id>\(\)
// why: a lent row has no members of the struct's names; the second error shows how to read one.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, empty] = with_nothing();
    quire::catalog db{pool, std::move(empty)};
    quire::table<user, quire::unique<&user::id>> users{db, "users"};
    users.scan([](auto const& row) { use(row.id); });
#else
    auto [pool, empty] = with_nothing();
    quire::catalog db{pool, std::move(empty)};
    quire::table<user, quire::unique<&user::id>> users{db, "users"};
    users.scan([](auto const& row) { use(row.template get<&user::id>()); });
#endif
}
