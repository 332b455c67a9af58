// SPDX-License-Identifier: BSL-1.0
#pragma once

/// exercise_file: a catalog over a file of any bytes, with no seal that would refuse them: opened,
/// checked, read and changed. For hostile tests and fuzz targets.

#include <quire/table/catalog.hpp>

#include <quire/page/heap_page.hpp>

#include "page/choices.hpp"
#include "table/world.hpp"

namespace quire_test {

/// What a catalog may say of a file's bytes. (no_free_frame: a change holds what it allocates.)
[[nodiscard]] inline bool is_of_a_catalog(quire::errc kind) {
    using quire::errc;
    return kind == errc::corrupt_page || kind == errc::wrong_page_kind ||
           kind == errc::catalog_mismatch || kind == errc::blank_page ||
           kind == errc::page_out_of_range || kind == errc::tuple_too_large ||
           kind == errc::needs_log;
}

struct catalog_outcome {
    std::uint64_t answers = 0;
    std::uint64_t errors = 0;

    template <class Fn>
    bool ask(Fn fn) {
        try {
            fn();
            ++answers;
            return true;
        } catch (quire::error const& e) {
            ++errors;
            require(is_of_a_catalog(e.kind()), e.what());
            return false;
        }
    }
};

/// Expects: `bytes` are whole pages.
inline void exercise_file(std::vector<std::byte> bytes, choices& choose, catalog_outcome& out) {
    using world = table_world<512>;
    quire::memory_backend::options const disk{quire::memory_store_ptr::make()};
    disk.store->assign("f", std::move(bytes));
    world::pool_type pool{{.frames = 32,
                           .files_max = 1,
                           .file_pages_max = 64,
                           .on_loss = [](std::string const&, quire::error const&) {},
                           .backend = disk}};
    auto const file = pool.open("f", quire::open_mode::read_write, {.seal = quire::no_seal});
    out.ask([&] {
        auto const without =
            choose.chance(1, 8) ? quire::lost_log::refused : quire::lost_log::accepted;
        quire::catalog db{pool, file, without};
        static_cast<void>(db.check());  // throws nothing for content
        out.ask([&] { static_cast<void>(db.roots()); });
        out.ask([&] { static_cast<void>(db.file_id()); });
        for (int i = 0; i < 6; ++i) {
            auto const no = choose.below(file.pages() + 2);
            out.ask([&] {
                db.in_one_change([&](auto& pages) {
                    if (choose.chance(1, 2)) { db.hold_to_free(pages, no); }
                    auto const made = db.allocate<quire::heap_page>(pages);
                    require(made.page_no().value() > 1, "page 0 or 1 is allocated");
                });
            });
            out.ask([&] { db.in_one_change([&](auto& pages) { db.free(pages, no); }); });
        }
        auto const name = choose.text(choose.between(1, 20));
        out.ask([&] {
            auto const make = [](auto&, quire::page_no, std::uint32_t) {};
            auto const made = db.root(name, quire::root_kind::btree, "s", make);
            require(db.find(name, quire::root_kind::btree, "s") == made, "a root is found");
        });
        out.ask([&] {
            auto const make = [](auto&, quire::page_no, std::uint32_t) {};
            static_cast<void>(db.root("n" + name, quire::root_kind::btree,
                                      choose.text(choose.below(440)), make));
        });
        static_cast<void>(db.check());
    });
    file.close(quire::unwritten::discard);
}

/// A file of eight pages of 512 bytes: with roots in page 0 and in a page of names, 5, and with
/// pages in use and free.
[[nodiscard]] inline std::vector<std::byte> good_file(choices& choose) {
    table_world<512> w{quire::file_options{.seal = quire::no_seal}};
    {
        quire::catalog db{*w.pool, w.file()};
        auto const make = [&](auto& pages, quire::page_no no, std::uint32_t) {
            auto const top = pages.template format<quire::heap_page>(w.file(), no);
        };
        db.root("a", quire::root_kind::btree, "int64", make);
        db.root("bc", quire::root_kind::heap_file, choose.text(choose.below(60)), make);
        db.root("chain", quire::root_kind::btree, choose.text(400), make);
        db.in_one_change([&](auto& pages) {
            for (int i = 0; i < 2; ++i) {
                auto const page = db.allocate<quire::heap_page>(pages);
            }
            db.free(pages, 7);
            if (choose.chance(1, 2)) { db.free(pages, 6); }
        });
        db.close();
    }
    auto bytes = w.disk.store->bytes("f");
    require(bytes.size() == 8 * 512, "the file has eight pages");
    w.opened = w.pool->open("f");
    return bytes;
}
/// Where the structure is: the headers, the catalog's roots, the bits.
inline void damage_file(std::span<std::byte> bytes, choices& choose) {
    for (std::size_t i = choose.between(1, 4); i > 0; --i) {
        auto const pages = bytes.size() / 512;
        auto page = choose.chance(3, 4) ? choose.below(3) : choose.below(pages);
        if (page == 2 && pages > 5) { page = 5; }  // names
        auto const in_page = choose.chance(3, 4) ? choose.below(112) : choose.below(512);
        auto const at = page * 512 + in_page;
        bytes[at] = choose.chance(1, 2) ? bytes[at] ^ std::byte(1U << choose.below(8))
                                        : std::byte(choose.below(256));
    }
}

}  // namespace quire_test
