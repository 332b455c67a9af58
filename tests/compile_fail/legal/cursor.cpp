// SPDX-License-Identifier: BSL-1.0
// why: a cursor owns its guard, and goes on to the next page.

class cursor {
public:
    explicit cursor(file_type file) : file_{file}, page_(file, 0) {}
    void next() { page_.advance(file_, page_.id().page().value() + 1); }
    [[nodiscard]] std::size_t rows() const { return page_->size(); }

private:
    file_type file_;
    reader page_;
};
void legal(file_type file) {
    cursor at{file};
    use(at.rows());
    at.next();
}
