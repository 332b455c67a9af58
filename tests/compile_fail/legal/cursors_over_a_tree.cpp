// SPDX-License-Identifier: BSL-1.0
// why: a cursor lends until it goes on; what it lends is used at once, or has a name until then.

void legal(file_type) {
    auto [pool, empty] = with_nothing();
    quire::catalog db{pool, std::move(empty)};
    quire::btree<std::uint32_t, user> users{db, "users"};
    quire::btree<std::uint32_t, std::string> names{db, "names"};
    quire::btree<std::uint32_t, std::uint64_t> numbers{db, "numbers"};
    for (auto at = users.first(); at; at.next()) {
        use(at.value().get<&user::id>());
        auto const value = at.value();
        if (value.get<&user::id>() == 0) { continue; }
        names.put(at.key(), value.get<&user::name>());
    }
    for (auto at = names.last(); at; at.previous()) {
        if (at.value() == "Ada") { use(at.key()); }
    }
    for (auto at = numbers.lower_bound(7); at && at.value() < 9; at.next()) { use(at.value()); }
    auto at = users.first();
    auto other = at;
    while (other) { other.next(); }
    at = std::move(other);
}
