// SPDX-License-Identifier: BSL-1.0
// group: guard ended under a borrow
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'next' while loan 'at.page_->lent' is held
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: a class of the user that passes on what its page lends.

class cursor {
public:
    explicit cursor(file_type const& file) : file_{file}, page_(file, 0) {}
    [[nodiscard]] auto row() const QUIRE_LIFETIMEBOUND QUIRE_PASSES_ON(page_->lent) {
        return page_->row<user>(slot);
    }
    void next() QUIRE_UNLENT(page_->lent) { page_.advance(file_, 1); }

private:
    file_type file_;
    reader page_;
};

#ifdef MISUSE
void misuse(file_type file) {
    cursor at{file};
    auto row = at.row();
    at.next();
    use(row.get<&user::id>());
}
#else
void misuse(file_type file) {
    cursor at{file};
    {
        auto row = at.row();
        use(row.get<&user::id>());
    }
    at.next();
}
#endif
