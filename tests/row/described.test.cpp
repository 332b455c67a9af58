// SPDX-License-Identifier: BSL-1.0
#include <quire/row/described.hpp>

#include <boost/describe/class.hpp>

#include <string>
#include <string_view>
#include <vector>

using quire::owned;

namespace {

class account {
public:
    explicit account(std::int64_t id) : id_{id} {}
    [[nodiscard]] std::int64_t id() const { return id_; }

private:
    std::int64_t id_;
    std::vector<std::string> names_;
    BOOST_DESCRIBE_CLASS(account, (), (), (), (id_, names_))
};

class label {
public:
    explicit label(std::string_view text) : text_{text} {}
    [[nodiscard]] std::string_view text() const { return text_; }

private:
    std::string_view text_;
    BOOST_DESCRIBE_CLASS(label, (), (), (), (text_))
};

struct base_with_view {
    std::string_view name;
};
BOOST_DESCRIBE_STRUCT(base_with_view, (), (name))
struct derived_from_view : base_with_view {
    int more;
};
BOOST_DESCRIBE_STRUCT(derived_from_view, (base_with_view), (more))

struct base_that_owns {
    std::string name;
};
struct derived_that_owns : base_that_owns {
    std::int64_t more;
};
BOOST_DESCRIBE_STRUCT(derived_that_owns, (base_that_owns), (more))

struct thirteen {
    int a, b, c, d, e, f, g, h, i, j, k, l, m;
};
BOOST_DESCRIBE_STRUCT(thirteen, (), (a, b, c, d, e, f, g, h, i, j, k, l, m))

struct node {
    std::string name;
    std::vector<node> children;
    int e, f, g, h, i, j, k, l, m, n, o;
};
BOOST_DESCRIBE_STRUCT(node, (), (name, children, e, f, g, h, i, j, k, l, m, n, o))

}  // namespace

static_assert(owned<account> && owned<std::vector<account>> && owned<thirteen> && owned<node>);
static_assert(owned<derived_that_owns>);
static_assert(!owned<label> && !owned<derived_from_view> && !owned<std::vector<label>>);
