// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: by its key in a quire::unique index
// clang-19: by its key in a quire::unique index
// clang-22: by its key in a quire::unique index
// why: several rows may have the key, and one erasure is whole or not at all.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto [pool, empty] = with_nothing();
    quire::catalog db{pool, std::move(empty)};
    quire::table<user, quire::indexed<&user::name>> users{db, "users"};
    users.erase<&user::name>("Ada");
#else
    auto [pool, empty] = with_nothing();
    quire::catalog db{pool, std::move(empty)};
    quire::table<user, quire::unique<&user::name>> users{db, "users"};
    users.erase<&user::name>("Ada");
#endif
}
