// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: fn is called with a row that is lent, a view and not the struct
// clang-19: fn is called with a row that is lent, a view and not the struct
// clang-22: fn is called with a row that is lent, a view and not the struct
// why: a row stays in its page: it is not copied into a parameter.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, empty] = with_nothing();
    quire::catalog db{pool, std::move(empty)};
    quire::table<user, quire::unique<&user::id>> users{db, "users"};
    users.find<&user::id>(1, [](auto row) { use(row.template get<&user::name>()); });
#else
    auto [pool, empty] = with_nothing();
    quire::catalog db{pool, std::move(empty)};
    quire::table<user, quire::unique<&user::id>> users{db, "users"};
    users.find<&user::id>(1, [](auto const& row) { use(row.template get<&user::name>()); });
#endif
}
