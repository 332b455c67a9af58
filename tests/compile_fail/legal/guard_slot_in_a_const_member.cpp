// SPDX-License-Identifier: BSL-1.0
// why: a cursor reads through its slot in a const member function.

class cursor {
public:
    void open(file_type file) { page_.emplace(file, 0); }
    [[nodiscard]] std::size_t rows() const { return page_.has_value() ? page_->size() : 0; }

private:
    quire::guard_slot<reader> page_;
};
void legal(file_type file) {
    cursor at;
    at.open(file);
    use(at.rows());
}
