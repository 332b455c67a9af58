// SPDX-License-Identifier: BSL-1.0
#pragma once

/// exercise: everything that the page kinds of table/ are asked, over any bytes; and what damages a
/// good one of them believably. For hostile tests and fuzz targets.

#include <quire/table/allocation_page.hpp>
#include <quire/table/catalog_page.hpp>
#include <quire/table/free_page.hpp>
#include <quire/table/heap_directory_page.hpp>
#include <quire/table/names_page.hpp>
#include <quire/table/overflow_page.hpp>
#include <quire/table/record_page.hpp>

#include "page/choices.hpp"
#include "page/page_buffer.hpp"

#include <algorithm>
#include <string>

namespace quire_test {

template <std::size_t N>
void exercise_free(std::span<std::byte, N> bytes, outcome& out) {
    quire::free_page<std::byte const, N> const page{bytes};
    out.sum += page.accepts(bytes) ? 1U : 0U;
    out.ask([&] { return page.own_number().value(); });
    bool const valid = out.ask([&] { return page.validate(), 0; });
    require(!valid || page.accepts(bytes), "a free page that is valid is known");
}

template <std::size_t N>
void exercise_allocation(std::span<std::byte, N> bytes, choices& choose, outcome& out) {
    using page_type = quire::allocation_page<std::byte, N>;
    page_type page{bytes};
    out.sum += page.accepts(bytes) ? 1U : 0U;
    out.ask([&] { return page.own_number().value(); });
    out.ask([&] { return page.validate(), 0; });
    auto const used = page.used();
    require(used <= page_type::bit_count, "no more bits are set than there are");
    auto const from = choose.below(page_type::bit_count);
    auto const found = page.first_free(from);
    for (std::size_t bit = from; bit < found.value_or(page_type::bit_count); ++bit) {
        require(page.is_used(bit), "the first free bit is the first");
    }
    if (!found) { return; }
    require(*found >= from && !page.is_used(*found), "a free bit is free");
    page.set_used(*found);
    require(page.is_used(*found) && page.used() == used + 1, "one bit is set");
    page.set_free(*found);
    require(!page.is_used(*found) && page.used() == used, "and cleared");
}

/// What a page of roots is asked, and nothing that changes it.
template <class Page>
void read_roots(Page const& page, outcome& out) {
    out.ask([&] { return page.own_number().value() + (page.has_room(20) ? 1U : 0U); });
    out.ask([&] { return page.next().value(); });
    std::size_t slots = 0;
    out.ask([&] { return slots = page.slot_count(); });
    for (std::size_t i = 0; i < std::min<std::size_t>(slots + 1, 40); ++i) {
        quire::slot_id const slot{i};
        out.ask([&] {
            auto const root = page.entry(slot);
            return root ? root->number + root->page.value() : 0;
        });
        std::string name;
        bool const named = out.ask([&] {
            auto const lent = page.name(slot);
            name = std::string{lent};
            return name.size();
        });
        out.ask([&] { return page.schema(slot).size(); });
        out.ask([&] {
            auto const found = page.find(name);
            require(!named || found, "a root is found by its name");
            return found ? found->number : 0U;
        });
    }
}

/// All of it that does not change it.
template <std::size_t N>
void read_catalog(quire::catalog_page<std::byte const, N> const& page, outcome& out) {
    out.ask([&] { return page.magic() + page.format_version() + page.page_size(); });
    out.ask([&] {
        auto const id = page.file_id();
        return digest(id.unguarded_span());
    });
    out.ask([&] { return page.next_number() + (page.is_closed() ? 1U : 0U); });
    read_roots(page, out);
}

template <std::size_t N>
void exercise_catalog(std::span<std::byte, N> bytes, choices& choose, outcome& out) {
    quire::catalog_page<std::byte, N> page{bytes};
    out.sum += page.accepts(bytes) ? 1U : 0U;
    bool const valid = out.ask([&] { return page.validate(), 0; });
    read_catalog<N>(page, out);
    std::vector<std::byte> const before{bytes.begin(), bytes.end()};
    std::optional<std::uint32_t> number;
    auto const name = choose.text(choose.between(1, 255));
    bool const answered = out.ask([&] {
        number = page.add(quire::root_kind::btree, choose.bits(), name,
                          choose.text(choose.below(N)));
        return number.value_or(0);
    });
    if (!answered || !number) {
        require(std::ranges::equal(before, bytes), "an add that fails changes nothing");
    } else if (valid && name.size() > 30) {  // unlike any other
        page.validate();
    }
    page.set_closed(choose.chance(1, 2));
    read_catalog<N>(page, out);
}

template <std::size_t N>
void exercise_names(std::span<std::byte, N> bytes, choices& choose, outcome& out) {
    quire::names_page<std::byte, N> page{bytes};
    quire::names_page<std::byte const, N> const shared{bytes};
    out.sum += page.accepts(bytes) ? 1U : 0U;
    bool const valid = out.ask([&] { return page.validate(), 0; });
    read_roots(shared, out);
    std::vector<std::byte> const before{bytes.begin(), bytes.end()};
    auto const name = choose.text(choose.between(1, 255));
    auto const schema = choose.text(choose.below(N));
    bool has_room = false;
    bool added = false;
    out.ask([&] { return has_room = page.has_room(name.size() + schema.size()), 0; });
    out.ask([&] {
        added = page.add({{}, 0xF000'0000, quire::root_kind::btree, choose.bits() >> 16}, name,
                         schema);
        return added ? 1 : 0;
    });
    require(!valid || !has_room || added, "there is the room that a page told of");
    if (!added) {
        require(std::ranges::equal(before, bytes), "an add that fails changes nothing");
    } else if (valid && name.size() > 30) {  // unlike any other
        page.validate();
    }
    read_roots(shared, out);
}

template <std::size_t N>
void exercise_directory(std::span<std::byte, N> bytes, choices& choose, outcome& out) {
    using page_type = quire::heap_directory_page<std::byte, N>;
    page_type const page{bytes};
    out.sum += page.accepts(bytes) ? 1U : 0U;
    bool const valid = out.ask([&] { return page.validate(), 0; });
    out.ask([&] { return page.next().value() + page.heap(); });
    std::size_t count = 0;
    out.ask([&] { return count = page.count(); });
    require(count <= page_type::capacity, "a count has room");
    for (std::size_t i = 0; i < count; ++i) { out.sum += page[i].page.value() + page[i].room; }
    if (!valid || count == page_type::capacity) { return; }
    page.add({choose.bits() >> 16, 3});
    page.validate();
}

template <std::size_t N>
void exercise_overflow(std::span<std::byte, N> bytes, outcome& out) {
    using page_type = quire::overflow_page<std::byte, N>;
    page_type const page{bytes};
    out.sum += page.accepts(bytes) ? 1U : 0U;
    out.ask([&] { return page.validate(), 0; });
    out.sum += page.tree() + page.position() + page.checksum();
    auto const part = page.bytes_of_value();
    require(part.size() == page_type::room_at(page.position()), "a page has its room");
    out.sum += digest(std::span<std::byte const>{part});
    for (std::size_t i = 0; page_type::has_list(page.position()) && i < page.list_size; ++i) {
        out.sum += page.listed(i).value();
    }
}

template <std::size_t N>
void exercise_records(std::span<std::byte, N> bytes, choices& choose, outcome& out) {
    using page_type = quire::record_page<std::byte, N>;
    page_type const page{bytes};
    out.sum += page.accepts(bytes) ? 1U : 0U;
    bool const valid = out.ask([&] { return page.validate(), 0; });
    out.ask([&] { return page.free_space(); });
    std::size_t slots = 0;
    out.ask([&] { return slots = page.slot_count(); });
    slots = std::min<std::size_t>(slots, 60);
    for (std::size_t i = 0; i <= slots; ++i) {
        out.ask([&] {
            auto const found = page.find(quire::slot_id{i});
            return found ? digest(found->row) + found->other.bits() : 0;
        });
    }
    for (int i = 0; i < 6; ++i) {
        quire::slot_id const slot{choose.below(slots + 1)};
        auto const size = choose.below(choose.chance(1, 4) ? N : 30);
        auto const form = choose.chance(1, 3) ? quire::record_form::moved_here
                                              : quire::record_form::row;
        auto const whole = page_type::size_of(form, size);
        auto const write = [](std::span<std::byte> row) { std::ranges::fill(row, std::byte{7}); };
        out.ask([&] {
            auto const there = page.find(slot);
            if (there && choose.chance(1, 3)) { return page.erase(slot), 0; }
            if (there && choose.chance(1, 3)) { return page.put_address(slot, {3, slot}), 0; }
            auto const where = there ? std::optional{slot} : page.room_for(whole);
            if (!where || (there && !page.can_hold(slot, whole))) { return 0; }
            require(page.put(*where, form, {5, slot}, size, write), "there is the room it told of");
            auto const now = page.find(*where);
            require(now && now->form == form && now->row.size() == size, "what is put is there");
            return 1;
        });
        if (valid) { page.validate(); }
    }
}

enum class table_page : unsigned {
    free,
    allocation,
    catalog,
    directory,
    records,
    overflow,
    names
};
inline constexpr unsigned table_pages = 7;

template <std::size_t N>
[[nodiscard]] page_buffer<N> good_table_page(table_page kind, choices& choose) {
    page_buffer<N> buffer;
    if (kind == table_page::free) {
        quire::free_page<std::byte, N>::format(buffer.span(), choose.bits() >> 16);
    } else if (kind == table_page::allocation) {
        using page_type = quire::allocation_page<std::byte, N>;
        page_type::format(buffer.span(), 1 + choose.below(9) * page_type::bit_count);
        page_type page{buffer.span()};
        auto const filled = choose.below(page_type::bit_count);
        for (std::size_t bit = 0; bit < filled; ++bit) {
            if (choose.chance(7, 8)) { page.set_used(bit); }
        }
        page.set_used(0);
        page.validate();
    } else if (kind == table_page::directory) {
        using page_type = quire::heap_directory_page<std::byte, N>;
        page_type::format(buffer.span(), choose.bits() >> 16);
        page_type const page{buffer.span()};
        page.set_next(choose.bits() >> 16);
        for (std::size_t i = choose.below(page_type::capacity + 1); i > 0; --i) {
            page.add({choose.bits() >> 16, static_cast<std::uint8_t>(choose.below(256))});
        }
        page.validate();
    } else if (kind == table_page::records) {
        quire::record_page<std::byte, N>::format(buffer.span(), choose.bits() >> 16);
        quire::record_page<std::byte, N> const page{buffer.span()};
        outcome none;
        exercise_records<N>(buffer.span(), choose, none);
        exercise_records<N>(buffer.span(), choose, none);
        page.validate();
    } else if (kind == table_page::overflow) {
        quire::overflow_page<std::byte, N>::format(buffer.span(), choose.bits() >> 16);
        quire::overflow_page<std::byte, N> const page{buffer.span()};
        page.begin(3, choose.below(2 * page.list_size), 5);
        for (std::size_t i = 0; page.has_list(page.position()) && i < page.list_size; ++i) {
            page.list(i, 1 + (choose.bits() >> 17));
        }
        page.validate();
    } else if (kind == table_page::names) {
        quire::names_page<std::byte, N>::format(buffer.span(), choose.bits() >> 16);
        quire::names_page<std::byte, N> page{buffer.span()};
        page.set_next(choose.bits() >> 16);
        for (auto i = static_cast<std::uint32_t>(choose.below(12)); i > 0; --i) {
            static_cast<void>(page.add({{}, i, quire::root_kind::btree, choose.bits() >> 16},
                                       std::to_string(i) + choose.text(choose.below(20)),
                                       choose.text(choose.below(N / 16))));
        }
        page.validate();
    } else {
        quire::catalog_page<std::byte, N>::format(buffer.span(), 0);
        quire::catalog_page<std::byte, N> page{buffer.span()};
        for (std::size_t i = choose.below(12); i > 0; --i) {
            static_cast<void>(page.add(quire::root_kind::btree, choose.bits() >> 16,
                                       std::to_string(i) + choose.text(choose.below(20)),
                                       choose.text(choose.below(N / 16))));
        }
        page.validate();
    }
    return buffer;
}
/// A few bits, or a number, mostly where the structure is.
template <std::size_t N>
void damage_table_page(std::span<std::byte, N> bytes, choices& choose) {
    for (std::size_t i = choose.between(1, 3); i > 0; --i) {
        auto const at = choose.chance(3, 4) ? choose.below(128) : choose.below(N);
        bytes[at] = choose.chance(1, 2) ? bytes[at] ^ std::byte(1U << choose.below(8))
                                        : std::byte(choose.below(256));
    }
}
template <std::size_t N>
void exercise_table_page(table_page kind, std::span<std::byte, N> bytes, choices& choose,
                         outcome& out) {
    switch (kind) {
        case table_page::free: return exercise_free<N>(bytes, out);
        case table_page::allocation: return exercise_allocation<N>(bytes, choose, out);
        case table_page::catalog: return exercise_catalog<N>(bytes, choose, out);
        case table_page::directory: return exercise_directory<N>(bytes, choose, out);
        case table_page::records: return exercise_records<N>(bytes, choose, out);
        case table_page::overflow: return exercise_overflow<N>(bytes, out);
        case table_page::names: return exercise_names<N>(bytes, choose, out);
    }
}

}  // namespace quire_test
