// SPDX-License-Identifier: BSL-1.0
#include <quire/page/tuple_codec.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"

#include <algorithm>
#include <functional>

namespace {

struct word {
    std::string text;
};
struct undescribed {};
struct no_encode {};
struct no_view {};
struct wrong_size {};
struct no_decode {
    int number;
};
struct placed {
    std::uint32_t number;
};

template <class B>
class word_view : quire::immovable {
public:
    word_view(std::span<B> bytes, quire::slot_id slot) : bytes_{bytes}, slot_{slot} {
        if (bytes.empty()) { throw quire::error{quire::errc::row_mismatch, "word"}; }
    }
    [[nodiscard]] std::string text() const { return text_of(bytes_); }
    [[nodiscard]] quire::slot_id slot() const { return slot_; }

private:
    std::span<B> bytes_;
    quire::slot_id slot_;
};

/// Keeps its loan and its place.
template <class B>
class QUIRE_BORROWER placed_view : quire::immovable {
public:
    placed_view(std::span<B> bytes, quire::tuple_place place, quire::borrow const& from = {})
        QUIRE_UNSEEN : bytes_{bytes}, place_{place}, borrow_{from} {
        if (bytes.size() != 4) { place.mismatch("number"); }
    }
    QUIRE_ENDS_LOAN(placed_view)
    [[nodiscard]] placed load() const { return {quire::load_le<std::uint32_t>(bytes_.data())}; }
    [[nodiscard]] quire::slot_id slot() const { return place_; }

private:
    std::span<B> bytes_;
    quire::tuple_place place_;
    [[no_unique_address]] quire::borrow borrow_;
};

}  // namespace

template <>
struct quire::tuple_codec<word> {
    static constexpr bool owns = true;
    static std::size_t size(word const& w) { return w.text.size(); }
    static void encode(word const& w, std::span<std::byte> out) {
        std::ranges::copy(bytes_of(w.text), out.begin());
    }
    static word decode(std::span<std::byte const> bytes) { return {text_of(bytes)}; }
    template <quire::page_byte B>
    using view = word_view<B>;
};
template <>
struct quire::tuple_codec<placed> {
    static constexpr bool owns = true;
    static std::size_t size(placed const&) { return 4; }
    static void encode(placed const& v, std::span<std::byte> out) {
        quire::store_le(out.data(), v.number);
    }
    static placed decode(std::span<std::byte const> bytes, quire::tuple_place place = {}) {
        return placed_view<std::byte const>{bytes, place}.load();
    }
    template <quire::page_byte B>
    using view = placed_view<B>;
};
template <>
struct quire::tuple_codec<no_encode> {
    static std::size_t size(no_encode const&) { return 1; }
    template <quire::page_byte B>
    using view = word_view<B>;
};
template <>
struct quire::tuple_codec<no_view> {
    static std::size_t size(no_view const&) { return 1; }
    static void encode(no_view const&, std::span<std::byte>) {}
};
template <>
struct quire::tuple_codec<wrong_size> {
    static int size(wrong_size const&) { return 1; }
    static void encode(wrong_size const&, std::span<std::byte>) {}
    template <quire::page_byte B>
    using view = word_view<B>;
};
template <>
struct quire::tuple_codec<no_decode> {
    static std::size_t size(no_decode const&) { return 4; }
    static void encode(no_decode const& v, std::span<std::byte> out) {
        quire::store_le(out.data(), v.number);
    }
    template <quire::page_byte B>
    using view = word_view<B>;
};

static_assert(quire::tuple_type<word> && quire::tuple_type<no_decode>);
static_assert(!quire::tuple_type<undescribed> && !quire::tuple_type<int>);
static_assert(!quire::tuple_type<no_encode> && !quire::tuple_type<no_view> &&
              !quire::tuple_type<wrong_size>);

// What edit lends goes to fn as it is; a function that would change a copy is refused.
namespace {

struct editor {
    void operator()(word&) {}
    void operator()(int) {}
};
struct reader {
    void operator()(word const&) const {}
    void operator()(int) const {}
};
struct quiet_editor {
    template <class T>
    void operator()(T&&) const noexcept {}
};
template <class Fn>
constexpr bool edits_with = quire::detail::takes_in_place<word, Fn>();
template <class Fn>
constexpr bool takes(Fn const&) {
    return edits_with<Fn> && edits_with<Fn&> && edits_with<Fn const&>;
}
template <class Fn>
constexpr bool refuses(Fn const&) {
    return !edits_with<Fn> && !edits_with<Fn&>;
}

}  // namespace
static_assert(takes([](word& w) { w.text = "x"; }) && takes([](auto& w) { w.text = "x"; }));
static_assert(takes([](auto&& w) { w.text = "x"; }));
static_assert(edits_with<decltype([](word& w) mutable { w.text = "x"; })>);
static_assert(edits_with<decltype([](auto&& w) mutable { w.text = "x"; })>);
static_assert(edits_with<void (*)(word&)> && edits_with<void (&)(word&)>);
static_assert(edits_with<std::function<void(word&)>> && edits_with<editor>);
static_assert(edits_with<quiet_editor> && edits_with<decltype(std::mem_fn(&word::text))>);
static_assert(refuses([](word w) { w.text = "x"; }) && refuses([](auto w) { w.text = "x"; }));
static_assert(refuses([](word const&) {}) && refuses([](auto const&) {}));
static_assert(!edits_with<void (*)(word)> && !edits_with<std::function<void(word)>>);
static_assert(!edits_with<reader>);

TEST_CASE("tuple_codec: a type of the user's own goes in and is looked at in place") {
    auto buffer = make_heap_page<512>();
    quire::heap_page page{buffer.span()};
    auto const ada = page.insert(word{"Ada"}).value();
    auto const bob = page.insert(word{"Bob"}).value();
    std::string all;
    for (auto row : page.rows<word>()) { all += row.text() + std::to_string(row.slot().value()); }
    CHECK(all == "Ada0Bob1");
    CHECK(page.row<word>(bob).text() == "Bob");
    REQUIRE(page.update(ada, word{"Countess"}));
    CHECK(page.edit<word>(bob, [](word& w) { w.text += "by"; }));
    CHECK(text_in(page, ada) == "Countess");
    CHECK(text_in(page, bob) == "Bobby");
    page.validate();
}

TEST_CASE("tuple_codec: a view of the user's own may take the page for its errors") {
    auto buffer = make_heap_page<512>(7);
    quire::heap_page page{buffer.span()};
    auto const slot = page.insert(bytes_of("12")).value();
    auto const said = [](auto&& fn) -> std::string {
        try {
            fn();
        } catch (quire::error const& e) { return e.what(); }
        return {};
    };
    auto const expected = "number in slot 0 of page 7: tuple is not a row of this type";
    CHECK(said([&] { (void)page.row<placed>(slot).slot(); }) == expected);
    CHECK(said([&] {
              for (auto row : page.rows<placed>()) { (void)row.slot(); }
          }) == expected);
    CHECK(said([&] { (void)page.edit<placed>(slot, [](placed&) {}); }) == expected);
    CHECK(said([] { quire::tuple_place{}.mismatch("number"); }) ==
          "number: tuple is not a row of this type");
}

TEST_CASE("tuple_codec: a view that refuses the bytes is an error in iteration too") {
    auto buffer = make_heap_page<512>();
    quire::heap_page page{buffer.span()};
    page.insert(bytes_of("")).value();
    CHECK(errc_of([&] {
              for (auto row : page.rows<word>()) { (void)row.text(); }
          }) == quire::errc::row_mismatch);
}

TEST_CASE("tuple_codec: edit changes nothing when fn throws or the result does not fit") {
    auto buffer = make_heap_page<512>();
    quire::heap_page page{buffer.span()};
    auto const slot = page.insert(word{"Ada"}).value();
    page.insert(word{std::string(400, 'x')}).value();
    auto const before = buffer.bytes();
    CHECK_THROWS_AS(page.edit<word>(slot,
                                    [](word& w) {
                                        w.text = "changed";
                                        throw std::runtime_error{"fn"};
                                    }),
                    std::runtime_error);
    CHECK(buffer.bytes() == before);
    CHECK_FALSE(page.edit<word>(slot, [](word& w) { w.text.assign(100, 'y'); }));
    CHECK(buffer.bytes() == before);
    CHECK(errc_of([&] {
              (void)page.edit<word>(slot, [](word& w) { w.text.assign(1000, 'y'); });
          }) == quire::errc::tuple_too_large);
    CHECK(buffer.bytes() == before);
}
