// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/guard.hpp>

#include "calls.hpp"

#include <quire/evict/clock.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"

#include <shared_mutex>

// A page kind that asks for its page's number gets the right one wherever the pool makes a view or
// asks the kind whether it accepts a page. SQLite's first page begins with the file's header; here
// each page has its fields elsewhere, so a view with another page's number does not find them.

using namespace quire_test;
using quire::errc;
using quire::open_mode;
using quire::page_no;

namespace {

constexpr std::size_t size = 512;  // bytes of a page
constexpr std::uint64_t pages = 8;

constexpr std::size_t fields_of(page_no no) { return 16 + 16 * no.value() % (size - 32); }
constexpr std::uint64_t mark = 0x4445'5245'424D'554E;

template <class Byte>
std::uint64_t value_in(Byte* page, page_no no) noexcept {
    return quire::load_le<std::uint64_t>(page + fields_of(no) + 8);
}
template <class Byte>
bool has_mark(Byte* page, page_no no) noexcept {
    return quire::load_le<std::uint64_t>(page + fields_of(no)) == mark;
}

/// A view and an accepts that ask.
template <quire::viewed_byte Byte, std::size_t PageSize>
class numbered_page {
public:
    numbered_page(std::span<Byte, PageSize> bytes, page_no no) noexcept
        : bytes_{bytes}, number_{no} {}
    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        quire::store_le(bytes.data() + fields_of(no), mark);
    }
    [[nodiscard]] static bool accepts(quire::shared_span<Byte, PageSize> bytes,
                                      page_no no) noexcept {
        return has_mark(bytes.data(), no);
    }

    [[nodiscard]] page_no number() const noexcept { return number_; }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_in(bytes_.data(), number_); }
    void set(std::uint64_t value) noexcept
        requires quire::writable_page<Byte>
    {
        quire::store_le(bytes_.data() + fields_of(number_) + 8, value);
    }

private:
    std::span<Byte, PageSize> bytes_;
    page_no number_;
};

/// One that is a lender, and holds all that it may: a span with its size, and the number.
template <quire::viewed_byte Byte, std::size_t PageSize>
class numbered_lender : public quire::lender {
public:
    numbered_lender(std::span<Byte, PageSize> bytes, page_no no) noexcept
        : bytes_{bytes}, number_{no} {}
    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        numbered_page<std::byte, PageSize>::format(bytes, no);
    }
    [[nodiscard]] static bool accepts(quire::shared_span<Byte, PageSize> bytes,
                                      page_no no) noexcept {
        return has_mark(bytes.data(), no);
    }

    [[nodiscard]] page_no number() const noexcept { return number_; }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_in(bytes_.data(), number_); }
    void set(std::uint64_t value) noexcept
        requires quire::writable_page<Byte>
    {
        expect_unlent();
        quire::store_le(bytes_.data() + fields_of(number_) + 8, value);
    }

private:
    std::span<Byte> bytes_;
    page_no number_;
};

/// An aggregate.
template <quire::viewed_byte Byte, std::size_t PageSize>
struct numbered_aggregate {
    std::span<Byte, PageSize> bytes;
    page_no own;

    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        numbered_page<std::byte, PageSize>::format(bytes, no);
    }
    [[nodiscard]] static bool accepts(quire::shared_span<Byte, PageSize> bytes,
                                      page_no no) noexcept {
        return has_mark(bytes.data(), no);
    }
    [[nodiscard]] page_no number() const noexcept { return own; }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_in(bytes.data(), own); }
    void set(std::uint64_t value) noexcept
        requires quire::writable_page<Byte>
    {
        quire::store_le(bytes.data() + fields_of(own) + 8, value);
    }
};

/// Only its accepts asks.
template <quire::viewed_byte Byte, std::size_t PageSize>
class judged_page {
public:
    explicit judged_page(std::span<Byte, PageSize>) noexcept {}
    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        numbered_page<std::byte, PageSize>::format(bytes, no);
    }
    [[nodiscard]] static bool accepts(quire::shared_span<Byte, PageSize> bytes,
                                      page_no no) noexcept {
        return has_mark(bytes.data(), no);
    }
};
static_assert(quire::racy_page_kind<numbered_page, size>);
static_assert(quire::racy_page_kind<numbered_lender, size>);
static_assert(quire::racy_page_kind<numbered_aggregate, size>);
static_assert(quire::racy_page_kind<judged_page, size>);

template <template <class, std::size_t> class View>
struct kind {
    template <class Byte>
    using view = View<Byte, size>;

    static auto append(auto const& file) { return file.template append<View>(); }
    static auto format(auto const& file, page_no no) { return file.template format<View>(no); }
    static auto read(auto const& file, page_no no) { return file.template read<View>(no); }
    static auto write(auto const& file, page_no no) { return file.template write<View>(no); }
    static auto write_unchanged(auto const& file, page_no no, quire::page_version seen) {
        return file.template write_unchanged<View>(no, seen);
    }
    static auto optimistic(auto const& file, page_no no) {
        return file.template optimistic_read<View>(
            no, [](auto const& page) { return std::pair{page.number(), page.value()}; });
    }
    static auto with_read(auto const& file, page_no no) {
        return file.template with_read<View>(
            no, [](auto const& page) { return std::pair{page.number(), page.value()}; });
    }
    static void with_write(auto const& file, page_no no, std::uint64_t value) {
        file.template with_write<View>(no, [=](auto& page) { page.set(value); });
    }
    static auto with_read_sealed(auto const& file, page_no no) {
        return file.template with_read_sealed<View>(
            no, [](auto const& page) { return std::pair{page.number(), page.value()}; });
    }
    static void with_write_sealed(auto const& file, page_no no, std::uint64_t value) {
        file.template with_write_sealed<View>(
            no, [](auto& page, std::uint64_t v) { page.set(v); }, value);
    }
};

template <class Latch>
using pool_of = quire::buffer_pool<size, quire::clock, Latch, quire::memory_backend>;
using pool_type = pool_of<quire::hybrid_latch>;

/// Pages that say 70 and their number, on frames for half of them.
template <class Kind, class Pool = pool_type>
struct setting {
    setting()
        : pool{{.frames = pages / 2, .backend = {}}},
          file{pool.open("f", open_mode::create_new)} {
        for (std::uint64_t no = 0; no < pages; ++no) {
            auto page = Kind::append(file);
            page->set(70 + no);
        }
    }
    Pool pool;
    typename Pool::file file;
};

template <class View>
void check_page(View const& view, std::uint64_t no, std::uint64_t value) {
    CHECK(view.number() == no);
    CHECK(view.value() == value);
}

}  // namespace

#define EVERY_KIND \
    "", kind<numbered_page>, kind<numbered_lender>, kind<numbered_aggregate>

TEMPLATE_TEST_CASE("numbered page: both views of a new page have its number", EVERY_KIND) {
    setting<TestType> s;
    auto page = TestType::append(s.file);
    CHECK(page->number() == pages);
    CHECK(page.view().number() == pages);
    page->set(5);
    check_page(page.view(), pages, 5);
    page.release();
    auto again = TestType::format(s.file, 3);
    check_page(*again, 3, 0);
    check_page(again.view(), 3, 0);
}

TEMPLATE_TEST_CASE("numbered page: guards read and write by the page's number", EVERY_KIND) {
    setting<TestType> s;
    for (std::uint64_t no = 0; no < pages; ++no) {
        auto page = TestType::write(s.file, no);
        check_page(page.view(), no, 70 + no);
        check_page(*page, no, 70 + no);
        page->set(90 + no);
    }
    for (std::uint64_t no = 0; no < pages; ++no) {
        auto const page = TestType::read(s.file, no);
        check_page(*page, no, 90 + no);
    }
}

TEMPLATE_TEST_CASE("numbered page: a guard that advances has the next page's number", EVERY_KIND) {
    setting<TestType> s;
    auto reader = TestType::read(s.file, 0);
    for (std::uint64_t no = 1; no < pages; ++no) {
        reader.advance(s.file, no);
        check_page(*reader, no, 70 + no);
    }
    CHECK(refusal([&] { reader.advance(s.file, pages); }) == errc::page_out_of_range);
    check_page(*reader, pages - 1, 70 + pages - 1);
    reader.release();
    auto writer = TestType::write(s.file, 0);
    for (std::uint64_t no = 1; no < pages; ++no) {
        writer.advance(s.file, no);
        check_page(writer.view(), no, 70 + no);
        check_page(*writer, no, 70 + no);
        writer->set(90 + no);
        check_page(writer.view(), no, 90 + no);
    }
}

TEMPLATE_TEST_CASE("numbered page: a page that is handed over keeps its number", EVERY_KIND) {
    setting<TestType> s;
    auto first_writer = TestType::write(s.file, 5);
    auto writer = first_writer.transfer();
    check_page(writer.view(), 5, 75);
    check_page(*writer, 5, 75);
    auto first_reader = writer.downgrade();
    check_page(*first_reader, 5, 75);
    auto reader = first_reader.transfer();
    check_page(*reader, 5, 75);
    auto const seen = reader.version();
    reader.release();
    auto unchanged = TestType::write_unchanged(s.file, 5, seen);
    REQUIRE(unchanged.has_value());
    check_page(unchanged.value().view(), 5, 75);
    check_page(*unchanged.value(), 5, 75);
}

TEMPLATE_TEST_CASE("numbered page: closures are lent a view with the page's number", EVERY_KIND) {
    setting<TestType> s;
    using seen = std::pair<page_no, std::uint64_t>;
    TestType::with_write(s.file, 6, 1);
    CHECK(TestType::with_read(s.file, 6) == seen{6, 1});
    TestType::with_write_sealed(s.file, 6, 2);
    CHECK(TestType::with_read_sealed(s.file, 6) == seen{6, 2});
    CHECK(TestType::with_read(s.file, 7) == seen{7, 77});
}

TEMPLATE_TEST_CASE("numbered page: is read without its latch by its number", "",
                   quire::hybrid_latch, std::shared_mutex) {
    auto const check = [](auto of) {
        using kind_type = decltype(of);
        setting<kind_type, pool_of<TestType>> s;
        for (std::uint64_t no = 0; no < pages; ++no) {  // not resident, then resident
            std::pair<page_no, std::uint64_t> const right{no, 70 + no};
            CHECK(kind_type::optimistic(s.file, no) == right);
            CHECK(kind_type::optimistic(s.file, no) == right);
        }
    };
    check(kind<numbered_page>{});
    check(kind<numbered_lender>{});
    check(kind<numbered_aggregate>{});
}

TEST_CASE("numbered page: a page whose mark is at another page's place is of another kind") {
    setting<kind<numbered_page>> s;
    s.file.with_write(3, [](auto& page) {
        auto bytes = page.bytes();
        bytes.store(fields_of(3), std::uint64_t{0});
        bytes.store(fields_of(4), mark);
    });
    auto const refused = [&](auto of) {
        using kind_type = decltype(of);
        CHECK(refusal([&] { (void)kind_type::read(s.file, 3); }) == errc::wrong_page_kind);
        CHECK(refusal([&] { (void)kind_type::write(s.file, 3); }) == errc::wrong_page_kind);
        auto page = kind_type::read(s.file, 2);
        CHECK(refusal([&] { page.advance(s.file, 3); }) == errc::wrong_page_kind);
        page.advance(s.file, 4);
    };
    refused(kind<numbered_page>{});
    refused(kind<judged_page>{});
    CHECK(refusal([&] { (void)kind<numbered_page>::optimistic(s.file, 3); }) ==
          errc::wrong_page_kind);
    kind<judged_page>::append(s.file).release();
    kind<judged_page>::read(s.file, pages).release();
}
