// SPDX-License-Identifier: BSL-1.0
#include <quire/borrow/page_view.hpp>

#include "catch.hpp"
#include "death.hpp"

#include <array>
#include <string>
#include <type_traits>

using quire::page_no;

namespace {

constexpr std::size_t size = 512;

/// A kind with every function that page_view has for it.
template <class Byte, std::size_t PageSize>
class word_page : public quire::page_view<word_page, Byte, PageSize> {
public:
    using word_page::page_view::page_view;
    static void format(std::span<std::byte, PageSize>, page_no) noexcept {}
    static bool accepts(quire::shared_span<Byte, PageSize>) noexcept { return true; }

    template <class Field>
    [[nodiscard]] auto get(Field field) const { return this->load(field); }
    template <class Field, class T>
    void set(Field field, T value)
        requires quire::writable_page<Byte>
    {
        this->store(field, value);
    }
    void put(std::size_t at, std::string_view text)
        requires quire::writable_page<Byte>
    {
        this->write(at, text);
    }
    void shift(std::size_t to, std::size_t from, std::size_t n)
        requires quire::writable_page<Byte>
    QUIRE_CHANGES { this->move(to, from, n); }
    void change()
        requires quire::writable_page<Byte>
    QUIRE_CHANGES { this->expect_unlent(); }
    QUIRE_REFUSED_ON_SHARED(change);

    [[nodiscard]] auto word(std::size_t at, std::size_t n) const& QUIRE_LIFETIMEBOUND QUIRE_LENDS {
        return this->lend(at, n);
    }
    QUIRE_REFUSED_ON_TEMPORARY_PAGE(word);
    [[nodiscard]] quire::byte_view<std::byte> open(std::size_t at, std::size_t n) const&
        QUIRE_LIFETIMEBOUND
        requires quire::writable_page<Byte>
    QUIRE_LENDS_ALONE { return this->lend_alone(at, n); }
    QUIRE_REFUSED_ON_TEMPORARY_PAGE(open);
    [[nodiscard]] quire::column_text text(std::size_t at, std::size_t n) const&
        QUIRE_LIFETIMEBOUND { return this->lend_text(at, n); }
    QUIRE_REFUSED_ON_TEMPORARY_PAGE(text);
    [[nodiscard]] std::byte const* data() const noexcept { return this->bytes().data(); }
    void refuse() const { this->corrupt("its word"); }
};

/// One that asks for its page's number.
template <class Byte, std::size_t PageSize>
class numbered_page : public quire::numbered_page_view<numbered_page, Byte, PageSize> {
public:
    using numbered_page::page_view::page_view;
    static void format(std::span<std::byte, PageSize>, page_no) noexcept {}
    static bool accepts(quire::shared_span<Byte, PageSize>) noexcept { return true; }
    [[nodiscard]] page_no where() const noexcept { return this->number(); }
    void refuse() const { this->corrupt("its word"); }
};

/// As they are written by hand.
struct by_hand : quire::lender {
    std::span<std::byte, size> bytes;
};
struct numbered_by_hand : quire::lender {
    std::span<std::byte, size> bytes;
    page_no number;
};

using words = word_page<std::byte, size>;
using shared_words = word_page<std::byte const, size>;
using numbered = numbered_page<std::byte, size>;
using shared_numbered = numbered_page<std::byte const, size>;

template <class View>
concept lends_words = requires(View&& view) { static_cast<View&&>(view).word(0U, 1U); };
template <class View>
concept lends_alone = requires(View&& view) { static_cast<View&&>(view).open(0U, 1U); };
template <class View>
concept lends_texts = requires(View&& view) { static_cast<View&&>(view).text(0U, 1U); };
template <class View>
concept stores = requires(View& view) { view.set(quire::field_le<std::uint8_t>{0}, 1); };

/// Whether `act` is errc::corrupt_page.
template <class Act>
bool is_corrupt(Act act) {
    try {
        act();
    } catch (quire::error const& e) { return e.code() == quire::errc::corrupt_page; }
    return false;
}

struct buffer {
    std::array<std::byte, size> bytes{};
    std::span<std::byte, size> all{bytes};
};

}  // namespace

static_assert(quire::racy_page_kind<word_page, size> && quire::page_kind<word_page, 4096>);
static_assert(quire::page_kind<numbered_page, size>);
static_assert(std::derived_from<words, quire::lender>);

static_assert(sizeof(words) == sizeof(by_hand) && sizeof(shared_words) == sizeof(by_hand));
static_assert(sizeof(numbered) == sizeof(numbered_by_hand));

// It stays where it was made, and is not made without a kind.
static_assert(!std::is_default_constructible_v<words> && !std::is_copy_constructible_v<words> &&
              !std::is_move_constructible_v<words> && !std::is_move_assignable_v<words>);
static_assert(!std::is_destructible_v<quire::page_view<word_page, std::byte, size>>);

// With the number if it asks, and without if it does not.
static_assert(!std::is_constructible_v<words, std::span<std::byte, size>, page_no>);
static_assert(!std::is_constructible_v<numbered, std::span<std::byte, size>>);

// Nothing is lent by a temporary, and nothing is written through a shared page.
static_assert(lends_words<words&> && lends_words<words const&> && !lends_words<words>);
static_assert(lends_alone<words&> && !lends_alone<words> && !lends_alone<shared_words&>);
static_assert(lends_texts<shared_words&> && !lends_texts<shared_words>);
static_assert(stores<words> && !stores<shared_words>);

TEST_CASE("page_view: converts from more rights to fewer, and never to another kind") {
    CHECK(std::is_convertible_v<words const&, shared_words>);
    CHECK(std::is_convertible_v<numbered const&, shared_numbered>);
    CHECK_FALSE(std::is_constructible_v<words, shared_words const&>);
    CHECK_FALSE(std::is_constructible_v<shared_words, numbered const&>);
    CHECK_FALSE(std::is_constructible_v<shared_numbered, words const&>);
}

TEST_CASE("page_view: numbers are loaded and stored in the field's byte order") {
    buffer page;
    words view{page.all};
    view.set(quire::field_le<std::uint16_t>{16}, std::uint16_t{0x1234});
    view.set(quire::field_be<std::uint32_t>{20}, std::uint32_t{0x56789ABC});
    CHECK(page.bytes[16] == std::byte{0x34});
    CHECK(page.bytes[17] == std::byte{0x12});
    CHECK(page.bytes[20] == std::byte{0x56});
    CHECK(page.bytes[23] == std::byte{0xBC});
    CHECK(view.get(quire::field_le<std::uint16_t>{16}) == 0x1234);
    CHECK(view.get(quire::field_be<std::uint32_t>{20}) == 0x56789ABC);

    word_page<quire::racy_byte const, size> const racy{
        quire::as_racy(std::span<std::byte const, size>{page.bytes})};
    CHECK(racy.get(quire::field_le<std::uint16_t>{16}) == 0x1234);
    CHECK(racy.get(quire::field_be<std::uint32_t>{20}) == 0x56789ABC);
    CHECK(racy.word(16, 2).load<std::uint16_t>(0) == 0x1234);
}

TEST_CASE("page_view: an offset outside of the page is errc::corrupt_page") {
    buffer page;
    words view{page.all};
    auto const far = ~std::size_t{0};
    CHECK(view.get(quire::field_le<std::uint32_t>{size - 4}) == 0);
    CHECK(view.word(size - 4, 4).size() == 4);
    CHECK(view.word(size, 0).empty());
    for (std::size_t const at : {size - 3, size, size + 1, far - 1, far}) {
        CAPTURE(at);
        CHECK(is_corrupt([&] { static_cast<void>(view.get(quire::field_le<std::uint32_t>{at})); }));
        CHECK(is_corrupt([&] { static_cast<void>(view.get(quire::field_be<std::uint64_t>{at})); }));
        CHECK(is_corrupt([&] { view.set(quire::field_le<std::uint32_t>{at}, 1U); }));
        CHECK(is_corrupt([&] { view.put(at, "word"); }));
        CHECK(is_corrupt([&] { view.shift(at, 16, 4); }));
        CHECK(is_corrupt([&] { view.shift(16, at, 4); }));
        CHECK(is_corrupt([&] { static_cast<void>(view.word(at, 4)); }));
        CHECK(is_corrupt([&] { static_cast<void>(view.word(4, at)); }));
        CHECK(is_corrupt([&] { static_cast<void>(view.open(at, 4)); }));
        CHECK(is_corrupt([&] { static_cast<void>(view.text(at, 4)); }));
    }
    CHECK(page.bytes == buffer{}.bytes);
}

TEST_CASE("page_view: bytes are written, moved and lent in place") {
    buffer page;
    words view{page.all};
    view.put(100, "quire");
    view.shift(102, 100, 5);  // they overlap
    CHECK(view.text(102, 5) == "quire");
    CHECK(view.word(102, 5).text() == "quire");
    view.put(100, "");
    CHECK(view.text(100, 4) == "ququ");
    CHECK(view.data() == page.bytes.data());
    {
        auto const part = view.open(102, 5);
        part.store(0, std::uint8_t{'Q'});
    }
    shared_words const reading{view};
    CHECK(reading.text(102, 5) == "Quire");
    CHECK(reading.data() == page.bytes.data());
}

TEST_CASE("page_view: an error names the page's number if the kind asks for it") {
    buffer page;
    numbered const view{page.all, 7};
    shared_numbered const reading{view};
    CHECK(view.where() == page_no{7});
    CHECK(reading.where() == page_no{7});
    try {
        reading.refuse();
        FAIL("it is refused");
    } catch (quire::error const& e) {
        CHECK(std::string{e.what()}.find("its word") != std::string::npos);
        CHECK(e.page().page() == page_no{7});
    }
    try {
        words{page.all}.refuse();
        FAIL("it is refused");
    } catch (quire::error const& e) { CHECK(e.page() == quire::page_id::none()); }
}

#if QUIRE_CHECKED

TEST_CASE("page_view: what is lent is used only until the page is next changed") {
    auto const rule = "what a page lends is used only until the page is next changed";
    auto const broken = [&](auto act) {
        return violation_of([&] {
                   buffer page;
                   words view{page.all};
                   act(view);
               }).find(rule) != std::string::npos;
    };
    CHECK(broken([](words& view) {
        auto const word = view.word(16, 4);
        view.change();
        static_cast<void>(word[0]);
    }));
    CHECK(broken([](words& view) {
        auto const word = view.word(16, 4);
        view.shift(16, 20, 4);
        static_cast<void>(word[0]);
    }));
    CHECK(broken([](words& view) {
        auto const part = view.open(16, 4);
        view.change();
        static_cast<void>(part[0]);
    }));
    CHECK(broken([](words& view) {
        auto const text = view.text(16, 4);
        view.change();
        static_cast<void>(text[0]);
    }));
    CHECK(broken([](words& view) {  // the text is a loan of its own
        auto const* const word = new quire::byte_view<std::byte const>{view.word(16, 4)};
        auto const text = word->text();
        delete word;
        view.change();
        static_cast<void>(text[0]);
    }));
    CHECK(broken([](words& view) {  // lent by the const view
        shared_words const reading{view};
        auto const word = reading.word(16, 4);
        view.change();
        static_cast<void>(word[0]);
    }));
}

TEST_CASE("page_view: mutable bytes are used only until something else is lent") {
    auto const rule = "what a page lends is used only until the page is next changed, or lent";
    CHECK(violation_of([] {
              buffer page;
              words view{page.all};
              auto const one = view.open(16, 4);
              auto const two = view.open(32, 4);
              static_cast<void>(one[0]);
          }).find(rule) != std::string::npos);
    CHECK(violation_of([] {
              buffer page;
              words view{page.all};
              auto const one = view.open(16, 4);
              auto const text = view.text(32, 4);
              static_cast<void>(one[0]);
          }).find(rule) != std::string::npos);
}

#endif
