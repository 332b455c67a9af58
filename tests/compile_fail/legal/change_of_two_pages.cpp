// SPDX-License-Identifier: BSL-1.0
// why: pages of a change are named, read, changed, and end before it does.

std::int64_t take(quire::change<>& change, file_type const& accounts, page_no no) {
    auto page = change.write<heap_page>(accounts, no);
    auto row = page->row<user>(slot);
    row.set<&user::balance>(row.get<&user::balance>().value_or(0) - 1);
    return row.get<&user::id>();
}
auto page_of(quire::change<>& change, file_type const& accounts)
    QUIRE_PASSES_ON(change.lent) {
    return change.write<heap_page>(accounts, 1);
}
void legal(file_type) {
    auto [pool, accounts] = with_log();
    auto const& in = accounts;
    pool.change([&](quire::change<>& change) {
        use(take(change, in, 0) + take(change, in, 1));
        auto from = change.read<heap_page>(in, 0);
        auto to = page_of(change, in);
        if (from->size() == 0) { return; }
        use(to->insert(from->tuple(slot)));
        for (auto row : to->rows<user>()) { use(row.get<&user::name>().size()); }
    });
    quire::change change{pool};
    { auto page = change.append<heap_page>(in); use(page->insert(user{})); }
    use(change.commit());
}
