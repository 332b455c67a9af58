// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: rejects
// g++: the result of fn may borrow from the page
// clang-19: the result of fn may borrow from the page
// clang-22: the result of fn may borrow from the page
// why: a private member hides it.

#ifdef MISUSE
class found {
public:
    explicit found(std::string_view name) : name_{name} {}

private:
    std::string_view name_;
    BOOST_DESCRIBE_CLASS(found, (), (), (), (name_))
};
void misuse(file_type file) {
    use(file.with_read<heap_page>(0, [](reader::view_type const& page) {
        auto row = page.row<user>(slot);
        auto const name = row.get<&user::name>();
        return found{name.unguarded_view()};
    }));
}
#else
class found {
public:
    explicit found(std::string name) : name_{std::move(name)} {}

private:
    std::string name_;
    BOOST_DESCRIBE_CLASS(found, (), (), (), (name_))
};
void misuse(file_type file) {
    use(file.with_read<heap_page>(0, [](reader::view_type const& page) {
        auto row = page.row<user>(slot);
        auto const name = row.get<&user::name>();
        return found{name};
    }));
}
#endif
