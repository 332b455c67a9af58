// SPDX-License-Identifier: BSL-1.0
// why: what leaves the closure is a copy.

struct found {
    std::int64_t id;
    std::string name;
    std::optional<double> balance;
};

void legal(file_type file) {
    auto one = file.with_read<heap_page>(0, [](auto const& page) {
        auto row = page.template row<user>(slot);
        return found{row.template get<&user::id>(), std::string{row.template get<&user::name>()},
                     row.template get<&user::balance>()};
    });
    use(one.name);
    use(file.with_read<heap_page>(0, [](auto const& page) { return page.size(); }));
    use(file.with_read<heap_page>(0, [](auto const& page) {
        return page.template row<user>(slot).load();
    }));
}
