// SPDX-License-Identifier: BSL-1.0
// why: a row is loaded into a struct that borrows, within its page.

struct user_ref {
    std::int64_t id = 0;
    std::string_view name;
    std::optional<double> balance;
};
BOOST_DESCRIBE_STRUCT(user_ref, (), (id, name, balance))
std::size_t legal(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    auto const mine = row.unguarded_load<user_ref>();
    return mine.name.size();
}
