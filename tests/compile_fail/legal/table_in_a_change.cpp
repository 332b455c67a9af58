// SPDX-License-Identifier: BSL-1.0
// why: rows are written by their keys, scanned and walked over by cursors, inside of a change.

void legal(file_type) {
    auto [pool, empty] = with_nothing();
    quire::catalog db{pool, std::move(empty)};
    quire::table<user, quire::unique<&user::id>, quire::indexed<&user::name>> users{db, "users"};
    quire::btree<std::uint32_t, std::string> names{db, "names"};
    pool.change([&](quire::change<>& change) {
        users.insert(change, {1, "Ada", {}});
        users.update<&user::id>(change, 1, [](user& one) { one.balance = 1.5; });
        users.scan_from<&user::name>(change, "A", [](auto const& row) {
            use(row.template get<&user::id>());
        });
        for (auto at = users.first<&user::name>(change); at; at.next()) {
            auto const row = at.row();
            names.put(change, 7, std::string{row.get<&user::name>()});
        }
        for (auto at = users.last<&user::id>(change); at; at.previous()) {
            users.erase(change, at.id());
        }
        for (auto at = names.lower_bound(change, 3); at; at.next()) {
            auto const name = at.value();
            use(name);
        }
        names.scan(change, [](std::uint32_t, auto const& name) { use(name.size()); });
        users.erase<&user::id>(change, 2);
    });
}
