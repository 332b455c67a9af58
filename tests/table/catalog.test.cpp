// SPDX-License-Identifier: BSL-1.0
#include <quire/table/catalog.hpp>

// What breaks when a rule is left out (each a test here, or in catalog.model.cpp):
//
//   the file grows while a page is free            it grows for ever
//   a page is freed twice                          two owners get it
//   a bit alone says that a page is free           a page in use is handed out after a crash
//   the hint passes pages of an undone change      they are lost until the file is opened again
//   allocation pages are latched in any order      two changes wait for each other
//   a freed page is taken before the commit        the undo of the one destroys the other
//   a failed operation keeps what it allocated     pages that nothing leads to
//   the mark is cleared after the first change     a crash looks like a clean end

#include <quire/page/heap_page.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"
#include "table/world.hpp"

#include <future>
#include <vector>

using quire::allocation_page;
using quire::catalog_page;
using quire::errc;
using quire::free_page;
using quire::heap_page;
using quire::page_no;
using quire::root_kind;

namespace {

using world = table_world<512>;
using catalog_type = quire::catalog<world::pool_type>;
constexpr std::uint64_t covered = allocation_page<std::byte, 512>::bit_count;

std::uint64_t allocate(catalog_type& db, auto& pages) {
    auto const page = db.allocate<heap_page>(pages);
    return page.page_no().value();
}
std::uint64_t allocate_one(catalog_type& db) {
    std::uint64_t no = 0;
    db.in_one_change([&](auto& pages) { no = allocate(db, pages); });
    return no;
}
void free_one(catalog_type& db, std::uint64_t no) {
    db.in_one_change([&](auto& pages) { db.free(pages, no); });
}
constexpr auto make_heap = [](catalog_type& db) {
    return [&db](auto& pages, page_no page, std::uint32_t) {
        auto const made = pages.template format<heap_page>(db.file(), page);
    };
};
/// The message of the error that `fn` ends with.
std::string message_of(auto fn) {
    try {
        fn();
        return "nothing was thrown";
    } catch (quire::error const& e) { return e.what(); }
}
bool has(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}
bool is_marked_closed(world& w) {
    auto const bytes = w.disk.store->bytes("f");
    return bytes.size() > 68 && bytes[68] == std::byte{1};
}
std::string all_findings(catalog_type const& db) {
    std::string text;
    for (auto const& f : db.check()) {
        text += std::to_string(f.page.value()) + ": " + f.text + "\n";
    }
    return text;
}

}  // namespace

TEST_CASE("catalog: an empty file gets pages 0 and 1, and is the same file when opened again") {
    for (bool const logged : {false, true}) {
        INFO(logged);
        world w{logged};
        std::array<std::byte, 16> id{};
        {
            quire::catalog db{*w.pool, w.file()};
            CHECK(w.file().pages() == 2);
            CHECK(db.is_logged() == logged);
            CHECK(&db.pool() == &*w.pool);
            CHECK(db.roots().empty());
            CHECK(all_findings(db) == "");
            id = db.file_id();
            CHECK(id != std::array<std::byte, 16>{});
        }
        w.reopen();
        quire::catalog db{*w.pool, w.file()};
        CHECK(w.file().pages() == 2);
        CHECK(db.file_id() == id);
        CHECK(all_findings(db) == "");
    }
}

TEST_CASE("catalog: a page is new, or a freed one, and never one in use") {
    for (bool const logged : {false, true}) {
        INFO(logged);
        world w{logged};
        quire::catalog db{*w.pool, w.file()};
        for (std::uint64_t no = 2; no < 7; ++no) { CHECK(allocate_one(db) == no); }
        CHECK(w.file().pages() == 7);
        free_one(db, 5);
        free_one(db, 3);
        {
            auto const freed = w.file().read<free_page>(3);
            freed->validate();
        }
        CHECK(all_findings(db) == "");
        CHECK(allocate_one(db) == 3);
        {
            auto const made = w.file().read<heap_page>(3);
            made->validate();
        }
        CHECK(allocate_one(db) == 5);
        CHECK(w.file().pages() == 7);
        CHECK(allocate_one(db) == 7);
        CHECK(all_findings(db) == "");
        free_one(db, 4);
        w.reopen();
        quire::catalog again{*w.pool, w.file()};
        CHECK(allocate_one(again) == 4);
        CHECK(allocate_one(again) == 8);
        CHECK(all_findings(again) == "");
    }
}

TEST_CASE("catalog: one change frees a page and allocates it again") {
    for (bool const logged : {false, true}) {
        INFO(logged);
        world w{logged};
        quire::catalog db{*w.pool, w.file()};
        CHECK(allocate_one(db) == 2);
        db.in_one_change([&](auto& pages) {
            db.free(pages, 2);
            CHECK(allocate(db, pages) == 2);
            CHECK(allocate(db, pages) == 3);
            CHECK(allocate(db, pages) == 4);
            db.free(pages, 3);
            CHECK(allocate(db, pages) == 3);
        });
        CHECK(all_findings(db) == "");
        CHECK(allocate_one(db) == 5);
    }
}

TEST_CASE("catalog: what is no page to be freed is refused, and nothing has changed") {
    for (bool const logged : {false, true}) {
        INFO(logged);
        world w{logged};
        quire::catalog db{*w.pool, w.file()};
        for (int i = 0; i < 3; ++i) { allocate_one(db); }
        free_one(db, 3);
        CHECK(errc_of([&] { free_one(db, 3); }) == errc::corrupt_page);
        CHECK(errc_of([&] { free_one(db, 0); }) == errc::corrupt_page);
        CHECK(errc_of([&] { free_one(db, 1); }) == errc::corrupt_page);
        CHECK(errc_of([&] { free_one(db, 5); }) == errc::page_out_of_range);
        CHECK(errc_of([&] {
                  db.in_one_change([&](auto& pages) {
                      db.free(pages, 2);
                      db.free(pages, 2);
                  });
              }) == errc::corrupt_page);
        CHECK(errc_of([&] {
                  db.in_one_change([&](auto& pages) { db.hold_to_free(pages, 3); });
              }) == errc::corrupt_page);
        CHECK(all_findings(db) == "");
    }
}

TEST_CASE("catalog: an undone change frees nothing and takes nothing") {
    world w{true};
    quire::catalog db{*w.pool, w.file()};
    for (int i = 0; i < 4; ++i) { allocate_one(db); }
    free_one(db, 3);
    free_one(db, 4);
    CHECK(errc_of([&] {
              db.in_one_change([&](auto& pages) {
                  db.free(pages, 2);
                  CHECK(allocate(db, pages) == 2);
                  CHECK(allocate(db, pages) == 3);
                  CHECK(allocate(db, pages) == 4);
                  CHECK(allocate(db, pages) == 6);
                  throw quire::error{errc::bad_option, "stop"};
              });
          }) == errc::bad_option);
    CHECK(w.file().pages() == 6);
    CHECK(all_findings(db) == "");
    CHECK(errc_of([&] { free_one(db, 3); }) == errc::corrupt_page);
    {
        auto const kept = w.file().read<heap_page>(2);
        kept->validate();
    }
    CHECK(allocate_one(db) == 3);
    CHECK(allocate_one(db) == 4);
    CHECK(allocate_one(db) == 6);
}

TEST_CASE("catalog: without a log a failed operation gives back what it allocated") {
    world w;
    quire::catalog db{*w.pool, w.file()};
    for (int i = 0; i < 3; ++i) { allocate_one(db); }
    free_one(db, 3);
    CHECK(errc_of([&] {
              db.in_one_change([&](auto& pages) {
                  CHECK(allocate(db, pages) == 3);
                  CHECK(allocate(db, pages) == 5);
                  throw quire::error{errc::bad_option, "stop"};
              });
          }) == errc::bad_option);
    CHECK(w.file().pages() == 6);
    CHECK(all_findings(db) == "");
    CHECK(allocate_one(db) == 3);
    CHECK(allocate_one(db) == 5);
    CHECK(w.file().pages() == 6);
}

TEST_CASE("catalog: a page that a change frees is another's only after the commit") {
    for (bool const logged : {false, true}) {
        INFO(logged);
        world w{logged};
        quire::catalog db{*w.pool, w.file()};
        for (int i = 0; i < 2; ++i) { allocate_one(db); }
        std::future<std::uint64_t> other;
        bool committed = false;
        db.in_one_change([&](auto& pages) {
            db.free(pages, 2);
            other = std::async(std::launch::async, [&] {
                auto const no = allocate_one(db);
                return committed ? no : 0;
            });
            CHECK(other.wait_for(std::chrono::milliseconds{30}) == std::future_status::timeout);
            committed = true;
        });
        CHECK(other.get() == 2);
        CHECK(all_findings(db) == "");
    }
}

TEST_CASE("catalog: allocation pages are made where they belong") {
    for (bool const logged : {false, true}) {
        INFO(logged);
        world w{logged};
        quire::catalog db{*w.pool, w.file()};
        std::uint64_t last = 1;
        while (last < 2 * covered + 5) {
            db.in_one_change([&](auto& pages) {
                for (int i = 0; i < 8; ++i) { last = allocate(db, pages); }
            });
        }
        for (std::uint64_t const no : {1 + covered, 1 + 2 * covered}) {
            auto const map = w.file().read<allocation_page>(no);
            map->validate();
            CHECK(map->used() == std::min(covered, w.file().pages() - no));
        }
        free_one(db, covered + 7);
        free_one(db, 9);
        CHECK(errc_of([&] { free_one(db, covered + 1); }) == errc::corrupt_page);
        CHECK(all_findings(db) == "");
        w.reopen();
        quire::catalog again{*w.pool, w.file()};
        CHECK(allocate_one(again) == 9);
        CHECK(allocate_one(again) == covered + 7);
        CHECK(allocate_one(again) == last + 1);
    }
}

TEST_CASE("catalog: changes that want several allocation pages wait for each other in no circle") {
    world w;
    quire::catalog db{*w.pool, w.file()};
    while (w.file().pages() < covered + 10) {
        db.in_one_change([&](auto& pages) {
            for (int i = 0; i < 8; ++i) { allocate(db, pages); }
        });
    }
    std::future<void> other;
    db.in_one_change([&](auto& pages) {
        db.free(pages, covered + 7);
        other = std::async(std::launch::async, [&] {
            db.in_one_change([&](auto& theirs) {
                db.free(theirs, 9);
                db.free(theirs, covered + 8);
            });
        });
        CHECK(other.wait_for(std::chrono::milliseconds{30}) == std::future_status::timeout);
        db.free(pages, 10);
    });
    other.get();
    CHECK(all_findings(db) == "");
}

TEST_CASE("catalog: a page whose bit is wrong is not handed out") {
    for (bool const logged : {false, true}) {
        INFO(logged);
        world w{logged};
        quire::catalog db{*w.pool, w.file()};
        for (int i = 0; i < 3; ++i) { allocate_one(db); }
        db.in_one_change([&](auto& pages) {
            auto map = pages.template write<allocation_page>(w.file(), 1);
            map->set_free(1);
            map->set_free(2);
        });
        CHECK(all_findings(db) ==
              "2: marked as free, and not formatted so\n3: marked as free, and not formatted so\n");
        w.reopen();
        quire::catalog again{*w.pool, w.file()};
        CHECK(errc_of([&] { allocate_one(again); }) == errc::corrupt_page);
        auto const kept = w.file().read<heap_page>(2);
        kept->validate();
    }
}

TEST_CASE("catalog: a page whose bit is wrong is not handed out to the change that has it") {
    for (bool const logged : {false, true}) {
        INFO(logged);
        world w{logged};
        quire::catalog db{*w.pool, w.file()};
        CHECK(errc_of([&] {
                  db.in_one_change([&](auto& pages) {
                      auto const no = allocate(db, pages);
                      {
                          auto map = pages.template write<allocation_page>(w.file(), 1);
                          map->set_free(no - 1);
                      }
                      allocate(db, pages);
                  });
              }) == errc::corrupt_page);
    }
}

TEST_CASE("catalog: a blank page whose bit says that it is free is used") {
    world w;
    { quire::catalog db{*w.pool, w.file()}; }
    w.file().close();
    auto bytes = w.disk.store->bytes("f");
    bytes.resize(bytes.size() + 512);
    w.disk.store->assign("f", bytes);
    w.opened = w.pool->open("f");
    quire::catalog db{*w.pool, w.file()};
    CHECK(w.file().pages() == 3);
    CHECK(all_findings(db) == "");
    CHECK(allocate_one(db) == 2);
    CHECK(all_findings(db) == "");
}

TEST_CASE("catalog: a root is made once, and found again") {
    for (bool const logged : {false, true}) {
        INFO(logged);
        world w{logged};
        {
            quire::catalog db{*w.pool, w.file()};
            CHECK(db.find("orders", root_kind::btree, "int64") == std::nullopt);
            int made = 0;
            auto const one = db.root("orders", root_kind::btree, "int64",
                                     [&](auto& pages, page_no page, std::uint32_t number) {
                ++made;
                CHECK(number == 1);
                CHECK(pages.holds(db.file(), page));
                auto top = pages.template format<heap_page>(db.file(), page);
                CHECK(top->insert(bytes_of("top")));
                CHECK(allocate(db, pages) == 3);
            });
            CHECK(one.number == 1);
            CHECK(one.page == 2);
            CHECK(one.kind == root_kind::btree);
            CHECK(db.root("orders", root_kind::btree, "int64", make_heap(db)) == one);
            CHECK(db.find("orders", root_kind::btree, "int64") == one);
            auto const two = db.root("plain", root_kind::heap_file, "", make_heap(db));
            CHECK(two.number == 2);
            CHECK(two.page == 4);
            CHECK(made == 1);
        }
        w.reopen();
        quire::catalog db{*w.pool, w.file()};
        CHECK(db.roots() == std::vector<quire::root_info>{
                                {"orders", "int64", 1, root_kind::btree, 2},
                                {"plain", "", 2, root_kind::heap_file, 4}});
        auto const top = w.file().read<heap_page>(2);
        CHECK(text_in(*top.operator->(), quire::slot_id{0}) == "top");
    }
}

TEST_CASE("catalog: another kind or schema under a name is an error with both") {
    world w;
    quire::catalog db{*w.pool, w.file()};
    db.root("orders", root_kind::btree, "int64", make_heap(db));
    auto const kind = [&] { db.root("orders", root_kind::heap_file, "int64", make_heap(db)); };
    auto const schema = [&] { db.root("orders", root_kind::btree, "text", make_heap(db)); };
    CHECK(errc_of(kind) == errc::catalog_mismatch);
    CHECK(has(message_of(kind), "root orders is a tree, not a heap file"));
    CHECK(errc_of(schema) == errc::catalog_mismatch);
    CHECK(has(message_of(schema), "schema of root orders is \"int64\", not \"text\""));
    CHECK(errc_of([&] { db.root("", root_kind::btree, "", make_heap(db)); }) == errc::bad_option);
    CHECK(errc_of([&] {
              db.root(std::string(256, 'n'), root_kind::btree, "", make_heap(db));
          }) == errc::bad_option);
    CHECK(w.file().pages() == 3);
}

TEST_CASE("catalog: a root that does not fit, or fails, leaves nothing behind") {
    for (bool const logged : {false, true}) {
        INFO(logged);
        world w{logged};
        quire::catalog db{*w.pool, w.file()};
        auto const large = [&] {
            db.root("large", root_kind::btree, std::string(500, 's'), make_heap(db));
        };
        CHECK(errc_of(large) == errc::tuple_too_large);
        CHECK(has(message_of(large),
                  "its name and schema have 505 bytes, and at most 456 fit"));
        CHECK(w.file().pages() == 2);
        CHECK(errc_of([&] {
                  db.root("bad", root_kind::btree, "", [&](auto& pages, page_no, std::uint32_t) {
                      CHECK(allocate(db, pages) == 3);
                      throw quire::error{errc::bad_option, "stop"};
                  });
              }) == errc::bad_option);
        CHECK(db.roots().empty());
        CHECK(all_findings(db) == "");
        auto const good = db.root("good", root_kind::btree, "", make_heap(db));
        CHECK(good.number == 1);
        CHECK(good.page == 2);
    }
}

TEST_CASE("catalog: another magic, version or page size is an error with both") {
    struct damage {
        std::size_t at;
        unsigned value;
        char const* says;
    };
    for (auto const& d : {damage{32, 'Q', "magic is 7089827333471302993, not 7089827333471303025"},
                          damage{40, 1, "version of the format is 1, not 3"},
                          damage{45, 16, "page size is 4096, not 512"}}) {
        INFO(d.at);
        world w{quire::file_options{.seal = quire::no_seal}};
        { quire::catalog db{*w.pool, w.file()}; }
        {
            auto page = w.file().write(0);
            page->bytes().store(d.at, static_cast<std::uint8_t>(d.value));
        }
        auto const open = [&] { quire::catalog db{*w.pool, w.file()}; };
        CHECK(errc_of(open) == errc::catalog_mismatch);
        CHECK(has(message_of(open), d.says));
    }
}

TEST_CASE("catalog: a file of an older format is refused with both versions") {
    world w{quire::file_options{.seal = quire::no_seal}};
    { quire::catalog db{*w.pool, w.file()}; }
    {
        auto page = w.file().write(0);
        page->bytes().store(14, std::uint8_t{1});  // of the page's kind
        page->bytes().store(40, std::uint8_t{2});  // of the format
    }
    auto const open = [&] { quire::catalog db{*w.pool, w.file()}; };
    CHECK(errc_of(open) == errc::catalog_mismatch);
    CHECK(has(message_of(open), "version of the format is 2, not 3"));
}

TEST_CASE("catalog: a file of something else is refused") {
    world w;
    { auto const page = w.file().append<heap_page>(); }
    CHECK(errc_of([&] { quire::catalog db{*w.pool, w.file()}; }) == errc::wrong_page_kind);
    world other;
    { quire::catalog db{*other.pool, other.file()}; }
    { auto const page = other.file().format<heap_page>(1); }
    CHECK(errc_of([&] { quire::catalog db{*other.pool, other.file()}; }) ==
          errc::wrong_page_kind);
}

TEST_CASE("catalog: with its seal a file of another page size is corrupt, as the message says") {
    world w;
    { quire::catalog db{*w.pool, w.file()}; }
    w.file().close();
    table_world<1024> large;
    { quire::catalog db{*large.pool, large.file()}; }
    large.file().close();
    auto const small_bytes = w.disk.store->bytes("f");
    w.disk.store->assign("f", large.disk.store->bytes("f"));
    large.disk.store->assign("f", small_bytes);
    large.opened = large.pool->open("f");
    auto const open_large = [&] { quire::catalog db{*large.pool, large.file()}; };
    CHECK(errc_of(open_large) == errc::corrupt_page);
    CHECK(has(message_of(open_large), "(page size is 512, not 1024)"));
    CHECK(errc_of([&] { auto const page = large.file().read(0); }) == errc::corrupt_page);
    w.opened = w.pool->open("f");
    auto const open_small = [&] { quire::catalog db{*w.pool, w.file()}; };
    CHECK(errc_of(open_small) == errc::corrupt_page);
    CHECK(has(message_of(open_small), "(page size is 1024, not 512)"));
    w.file().close();
    auto damaged = small_bytes;
    damaged[100] ^= std::byte{1};
    w.disk.store->assign("f", damaged);
    w.opened = w.pool->open("f");
    CHECK(errc_of(open_small) == errc::corrupt_page);
    CHECK(has(message_of(open_small), "(or the file's pages have not 512 bytes)"));
}

TEST_CASE("catalog: the mark of a clean end") {
    world w;
    {
        quire::catalog db{*w.pool, w.file()};
        CHECK(db.was_closed_cleanly());
        allocate_one(db);
        db.close();
    }
    CHECK(is_marked_closed(w));
    auto const open_again = [&] { w.opened = w.pool->open("f"); };
    open_again();
    {
        quire::catalog db{*w.pool, w.file()};
        CHECK(db.was_closed_cleanly());
        CHECK(is_marked_closed(w));  // it was only read
        db.in_one_change([&](auto&) { CHECK_FALSE(is_marked_closed(w)); });
        allocate_one(db);
        w.file().flush();
    }
    w.crash();
    {
        quire::catalog db{*w.pool, w.file()};
        CHECK_FALSE(db.was_closed_cleanly());
        allocate_one(db);
        db.close();
    }
    CHECK_FALSE(is_marked_closed(w));  // it was not accepted
    open_again();
    {
        quire::catalog db{*w.pool, w.file()};
        CHECK_FALSE(db.was_closed_cleanly());
        CHECK(all_findings(db) == "");
        db.accept_after_crash();
        db.close();
    }
    CHECK(is_marked_closed(w));
    open_again();
    quire::catalog db{*w.pool, w.file()};
    CHECK(db.was_closed_cleanly());
}

TEST_CASE("catalog: a logged file is marked as closed, too") {
    world w{true};
    {
        quire::catalog db{*w.pool, w.file()};
        allocate_one(db);
        CHECK_FALSE(is_marked_closed(w));
        db.close();
    }
    CHECK(is_marked_closed(w));
    w.opened = w.pool->open("f", quire::open_mode::read_write, {.logged = true});
    quire::catalog db{*w.pool, w.file()};
    CHECK(db.was_closed_cleanly());
}

TEST_CASE("catalog: a file that is open for reading only is read") {
    world w;
    {
        quire::catalog db{*w.pool, w.file()};
        db.root("orders", root_kind::btree, "int64", make_heap(db));
    }
    w.reopen(quire::open_mode::read_only);
    quire::catalog db{*w.pool, w.file()};
    CHECK(db.roots().size() == 1);
    CHECK(all_findings(db) == "");
    CHECK(db.find("orders", root_kind::btree, "int64")->page == 2);
    CHECK(errc_of([&] { allocate_one(db); }) == errc::read_only);
    db.close();
}

TEST_CASE("catalog: check finds what does not agree") {
    world w;
    quire::catalog db{*w.pool, w.file()};
    db.root("a", root_kind::btree, "", make_heap(db));
    for (int i = 0; i < 4; ++i) { allocate_one(db); }
    free_one(db, 4);
    REQUIRE(all_findings(db) == "");
    SECTION("a page of a root that is free") {
        free_one(db, 2);
        CHECK(all_findings(db) == "2: the page of a root is marked as free\n");
    }
    SECTION("a page that is formatted free, and marked as used") {
        { auto const page = w.file().format<free_page>(3); }
        CHECK(all_findings(db) == "3: marked as used, and formatted free\n");
    }
    SECTION("a page that is marked as free, and not formatted so") {
        { auto const page = w.file().format<heap_page>(4); }
        CHECK(all_findings(db) == "4: marked as free, and not formatted so\n");
    }
    SECTION("a page behind the file's end") {
        {
            auto map = w.file().write<allocation_page>(1);
            map->set_used(40);
        }
        CHECK(all_findings(db) == "1: page 41 is marked as used, behind the file's end\n");
    }
    SECTION("roots out of range") {
        {
            auto names = w.file().write<catalog_page>(0);
            CHECK(names->add(root_kind::btree, 7, "b", ""));
            CHECK(names->add(root_kind::btree, 0, "c", ""));
            CHECK(names->add(root_kind::btree, 1, "d", ""));
        }
        CHECK(all_findings(db) == "0: root 2 is at page 7, which is none\n"
                                  "0: root 3 is at page 0, which is none\n"
                                  "0: root 4 is at page 1, which is none\n");
    }
    SECTION("an allocation page that is none") {
        { auto const page = w.file().format<heap_page>(1); }
        CHECK(has(all_findings(db), "1: "));
    }
    SECTION("a free page with something in it") {
        {
            auto page = w.file().write(4);
            page->bytes().store(100, std::uint8_t{1});
        }
        CHECK(has(all_findings(db), "4: bytes of a free page"));
    }
}
