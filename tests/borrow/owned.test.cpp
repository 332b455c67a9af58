// SPDX-License-Identifier: BSL-1.0
#include <quire/borrow/owned.hpp>

#include "catch.hpp"

#include <any>
#include <array>
#include <chrono>
#include <deque>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <memory_resource>
#include <optional>
#include <queue>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <variant>
#include <vector>

using quire::owned;

namespace {

enum class colour : std::uint64_t { red };

struct plain {
    std::int64_t id;
    std::string name;
    std::optional<double> balance;
    int counts[3];
    std::vector<std::pair<int, std::string>> tags;
};
struct with_view {
    std::int64_t id;
    std::string_view name;
};
struct with_reference {
    int const& value;
    int other;
};
struct with_pointers {
    std::int64_t id;
    char const* names[2];
};
struct deeper {
    int before;
    with_view inner;
};
struct derived : plain {
    int more;
};
struct tree {
    int value;
    std::vector<tree> children;
};
struct tree_of_views {
    std::string_view value;
    std::vector<tree_of_views> children;
};
struct bits {
    std::uint64_t low : 12;
    std::uint64_t high : 52;
};
union either {
    std::int64_t number;
    char const* text;
};
struct thirteen {
    int a, b, c, d, e, f, g, h, i, j, k, l, m;
};
struct twelve {
    int a, b, c, d, e, f, g, h, i, j, k;
    std::string_view l;
};
class money {  // says nothing of what it holds
public:
    explicit money(std::int64_t cents) : cents_{cents} {}
    [[nodiscard]] std::int64_t cents() const { return cents_; }

private:
    std::int64_t cents_;
};
class amount : public money {  // is vouched for
    using money::money;
};
class row_number {  // says that it refers to a page, though by a number
public:
    int value = 0;
};
class small {
    std::uint32_t value_ = 0;

public:
    [[nodiscard]] std::uint32_t value() const { return value_; }
};

}  // namespace

template <>
inline constexpr bool quire::owns_its_values<amount> = true;
template <>
inline constexpr bool quire::owns_its_values<row_number> = false;

static_assert(owned<void> && owned<int> && owned<double const> && owned<colour> && owned<bool>);
static_assert(owned<std::nullptr_t> && owned<int (*)(int)> && owned<int plain::*>);
static_assert(owned<quire::page_no> && owned<quire::page_id> && owned<quire::frame_no>);
static_assert(!owned<int*> && !owned<void const*> && !owned<int&> && !owned<int const&> &&
              !owned<int&&>);

static_assert(owned<std::string> && owned<std::vector<std::string>> && owned<std::deque<bool>> &&
              owned<std::map<int, std::vector<std::string>>> && owned<std::priority_queue<int>>);
static_assert(!owned<std::string_view> && !owned<std::span<int>> && !owned<std::span<int, 4>> &&
              !owned<std::vector<std::string_view>> && !owned<std::map<int, char const*>> &&
              !owned<std::map<std::string_view, int>> && !owned<std::queue<std::string_view>> &&
              !owned<std::vector<int>::iterator> && !owned<std::initializer_list<int>>);

static_assert(owned<std::pair<int, std::string>> && owned<std::tuple<>> &&
              owned<std::tuple<int, std::string>> && owned<std::array<std::string, 3>> &&
              owned<std::optional<std::vector<int>>> && owned<std::variant<int, std::string>>);
static_assert(!owned<std::pair<int, std::string_view>> && !owned<std::tuple<int&>> &&
              !owned<std::tuple<std::string, std::string_view>> &&
              !owned<std::array<char const*, 3>> && !owned<std::optional<std::span<int>>> &&
              !owned<std::variant<std::monostate, int, std::string_view>> &&
              !owned<std::optional<std::reference_wrapper<int>>>);

namespace {

struct stateful_order {
    std::string_view by;
    bool operator()(int a, int b) const { return a < b; }
};
struct deleter_with_view {
    std::string_view why;
    void operator()(int* p) const { delete p; }
};
struct incomplete;
struct maybe {  // looks like an optional, and hides a pointer
    using value_type = char;
    [[nodiscard]] bool has_value() const { return at != nullptr; }
    char const* at = nullptr;
};
template <class T>
class observer {  // a smart pointer by its looks
public:
    using element_type = T;
    [[nodiscard]] T* get() const { return at_; }
    void reset() { at_ = nullptr; }

private:
    T* at_ = nullptr;
};

}  // namespace

static_assert(!owned<std::shared_ptr<void>> && !owned<std::vector<std::shared_ptr<void>>>);
static_assert(!owned<std::unique_ptr<int, deleter_with_view>> &&
              !owned<std::unique_ptr<int, std::function<void(int*)>>> &&
              !owned<std::unique_ptr<incomplete>>);
static_assert(!owned<std::set<int, stateful_order>> && owned<std::set<int>> &&
              !owned<std::priority_queue<int, std::vector<int>, stateful_order>> &&
              !owned<std::pmr::vector<int>>);
static_assert(!owned<maybe> && !owned<observer<int>> && !owned<std::optional<maybe>>);

static_assert(owned<std::unique_ptr<int>> && owned<std::shared_ptr<std::string>> &&
              !owned<std::unique_ptr<std::string_view>> && !owned<std::shared_ptr<with_view>>);
static_assert(owned<std::filesystem::path> && owned<std::vector<std::filesystem::path>> &&
              owned<std::error_code> && owned<std::optional<std::error_code>> &&
              !owned<std::filesystem::directory_entry const*> && !owned<std::exception_ptr>);
static_assert(owned<std::chrono::seconds> && owned<std::chrono::system_clock::time_point>);

static_assert(owned<plain> && owned<plain const> && owned<tree> && owned<bits> && owned<small> &&
              owned<std::vector<plain>> && owned<std::optional<tree>>);
static_assert(!owned<with_view> && !owned<with_reference> && !owned<with_pointers> &&
              !owned<deeper> && !owned<std::vector<deeper>> && !owned<tree_of_views> &&
              !owned<either> && !owned<twelve>);
static_assert(!owned<derived> && !owned<thirteen>);  // to be described

static_assert(!owned<money> && owned<amount> && owned<std::vector<amount>> && !owned<row_number>);
static_assert(!owned<std::any> && !owned<std::function<int()>> &&
              !owned<std::reference_wrapper<int const>>);

TEST_CASE("owned: a closure is owned unless it captured something") {
    int number = 1;
    auto const nothing = [] { return 1; };
    auto const copy = [number] { return number; };
    auto const reference = [&number] { return number; };
    auto const two = [number, &nothing] { return number + nothing(); };
    CHECK(owned<decltype(nothing)>);
    CHECK(owned<decltype(copy)>);  // four bytes
    CHECK_FALSE(owned<decltype(reference)>);
    CHECK_FALSE(owned<decltype(two)>);
    CHECK(nothing() + copy() + reference() + two() == 5);
}
