// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: fn is called with a row that is lent, a view and not the struct
// clang-19: fn is called with a row that is lent, a view and not the struct
// clang-22: fn is called with a row that is lent, a view and not the struct
// why: a scan makes no structs of the rows.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, empty] = with_nothing();
    quire::catalog db{pool, std::move(empty)};
    quire::table<user, quire::unique<&user::id>> users{db, "users"};
    users.scan([](user const& one) { use(one.id); });
#else
    auto [pool, empty] = with_nothing();
    quire::catalog db{pool, std::move(empty)};
    quire::table<user, quire::unique<&user::id>> users{db, "users"};
    users.scan([](auto const& row) { use(row.template load<user>().id); });
#endif
}
