// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page: one page of a file of quire's, as its kind's view shows it: its header and its content.
///
/// Views need bytes and no pool. What contradicts itself is shown, too, as far as it goes.

#include "values.hpp"

#include <quire/quire.hpp>
#include <quire/table/allocation_page.hpp>
#include <quire/table/btree_page.hpp>
#include <quire/table/catalog_page.hpp>
#include <quire/table/free_page.hpp>
#include <quire/table/heap_directory_page.hpp>
#include <quire/table/names_page.hpp>
#include <quire/table/overflow_page.hpp>
#include <quire/table/record_page.hpp>

#include <map>

namespace pagedump {

/// What the rows, keys and values of a file are.
struct known_schemas {
    std::map<std::uint32_t, row_schema> rows{};  ///< of a heap file, by its number
    std::map<std::uint32_t, tree_schema> trees{};
    std::optional<row_schema> given{};           ///< by the user: for all rows

    [[nodiscard]] row_schema const* of_rows(std::uint32_t heap) const {
        if (given) { return &*given; }
        auto const found = rows.find(heap);
        return found == rows.end() ? nullptr : &found->second;
    }
    [[nodiscard]] row_schema const* of_tuples() const { return given ? &*given : nullptr; }
    [[nodiscard]] tree_schema const* of_tree(std::uint32_t tree) const {
        auto const found = trees.find(tree);
        return found == trees.end() ? nullptr : &found->second;
    }
};
/// Adds the roots of page 0, or of a page of names; one whose text is no schema stays out.
template <class Names>
void add_schemas_of(Names const& names, known_schemas& found) {
    for (std::size_t i = 0; i < names.slot_count(); ++i) {
        try {
            auto const root = names.entry(quire::slot_id{i});
            if (!root) { continue; }
            std::string const text{names.schema(root->slot)};
            if (root->kind == quire::root_kind::btree) {
                found.trees.emplace(root->number, tree_schema::of(text));
            } else {
                found.rows.emplace(root->number, row_schema::of(text));
            }
        } catch (std::runtime_error const&) {}  // quire::error is one
    }
}

/// One page, of any kind.
template <std::size_t Size>
class page {
public:
    page(std::span<std::byte const, Size> bytes, std::uint64_t no) : bytes_{bytes}, no_{no} {}

    [[nodiscard]] bool is_catalog() const {
        return header().kind == quire::kind_no::catalog && no_ == 0;
    }
    /// Whether it has roots: those of the catalog, or of its chain of names.
    [[nodiscard]] bool has_roots() const {
        return is_catalog() || header().kind == quire::kind_no::names;
    }
    /// Adds what its roots say. The next page of the chain; 0: there is none.
    /// Expects: it has roots. Errors: quire::error.
    [[nodiscard]] std::uint64_t add_schemas(known_schemas& found) const {
        return with_roots([&](auto const& names) {
            add_schemas_of(names, found);
            return names.next().value();
        });
    }
    /// The next page of the chain as above.
    [[nodiscard]] std::uint64_t next_of_roots() const {
        return with_roots([](auto const& names) { return names.next().value(); });
    }
    /// Adds an item for each root. The next page as above.
    [[nodiscard]] std::uint64_t add_roots(item& all) const {
        return with_roots([&](auto const& names) {
            describe_roots(all, names);
            return names.next().value();
        });
    }

    [[nodiscard]] quire::page_state state() const {
        return quire::crc_seal.check(bytes_, quire::page_id{quire::file_no{0}, no_},
                                     quire::crc_seal.file_value);
    }
    [[nodiscard]] std::string kind() const {
        static constexpr char const* names[] = {"heap page",       "tree node",   "catalog",
                                                "allocation page", "free page",   "record page",
                                                "directory page",  "overflow page"};
        auto const number = static_cast<std::size_t>(header().kind);
        if (state() == quire::page_state::blank) { return "blank page"; }
        if (header().kind == quire::kind_no::names) { return "page of names"; }
        if (number < 1 || number > std::size(names)) { return "page of another kind"; }
        return names[number - 1];
    }
    /// As --map explains it.
    [[nodiscard]] char letter() const {
        using quire::kind_no;
        if (state() == quire::page_state::blank) { return '_'; }
        if (state() != quire::page_state::good) { return '!'; }
        try {
            bool const full = fill() >= 50;
            switch (header().kind) {
                case kind_no::heap: return full ? 'H' : 'h';
                case kind_no::btree: return node().level() > 0 ? (full ? 'I' : 'i')
                                                               : (full ? 'L' : 'l');
                case kind_no::catalog: return 'C';
                case kind_no::allocation: return 'A';
                case kind_no::free: return '.';
                case kind_no::records: return full ? 'R' : 'r';
                case kind_no::directory: return 'D';
                case kind_no::overflow: return 'O';
                case kind_no::names: return 'N';
            }
        } catch (quire::error const&) { return '!'; }
        return '?';
    }
    /// What contradicts itself in the page; empty when nothing does.
    [[nodiscard]] std::string wrong() const {
        if (state() == quire::page_state::blank) { return ""; }
        if (state() != quire::page_state::good) { return "its seal does not fit"; }
        try {
            visit([](auto const& its) { its.validate(); });
        } catch (quire::error const& e) { return std::string{e.operation()}; }
        return "";
    }
    [[nodiscard]] item describe(known_schemas const& known) const {
        auto const h = header();
        item all{"page " + std::to_string(no_)};
        all.add("kind", kind()).add("version", static_cast<unsigned>(h.version));
        all.add("own number", h.number).add("lsn", h.lsn);
        if (auto const why = wrong(); !why.empty()) { all.add("WRONG", why); }
        if (state() == quire::page_state::blank) { return all; }
        try {
            describe_content(all, known);
        } catch (quire::error const& e) { all.below.push_back({e.what()}); }
        return all;
    }

private:
    template <template <class, std::size_t> class View>
    using view = View<std::byte const, Size>;
    using node_type = view<quire::btree_page>;

    [[nodiscard]] quire::page_header header() const {
        return quire::page_header::load(bytes_.template first<quire::page_header::size>());
    }
    [[nodiscard]] node_type node() const { return node_type{bytes_}; }
    template <class Fn>
    void visit(Fn fn) const {
        using quire::kind_no;
        switch (header().kind) {
            case kind_no::heap: return fn(view<quire::heap_page>{bytes_});
            case kind_no::btree: return fn(node());
            case kind_no::catalog: return fn(view<quire::catalog_page>{bytes_});
            case kind_no::allocation: return fn(view<quire::allocation_page>{bytes_});
            case kind_no::free: return fn(view<quire::free_page>{bytes_});
            case kind_no::records: return fn(view<quire::record_page>{bytes_});
            case kind_no::directory: return fn(view<quire::heap_directory_page>{bytes_});
            case kind_no::overflow: return fn(view<quire::overflow_page>{bytes_});
            case kind_no::names: return fn(view<quire::names_page>{bytes_});
        }
    }
    /// In hundredths.
    [[nodiscard]] std::size_t fill() const {
        std::size_t free = 0;
        if (header().kind == quire::kind_no::heap) {
            free = view<quire::heap_page>{bytes_}.free_space();
        } else if (header().kind == quire::kind_no::records) {
            free = view<quire::record_page>{bytes_}.free_space();
        } else if (header().kind == quire::kind_no::btree) {
            free = Size - std::min(node().used(), Size);
        }
        return 100 - free * 100 / Size;
    }
    void describe_content(item& all, known_schemas const& known) const {
        using quire::kind_no;
        switch (header().kind) {
            case kind_no::heap: return describe_heap(all, known);
            case kind_no::btree: return describe_node(all, known);
            case kind_no::catalog: return describe_catalog(all);
            case kind_no::allocation: return describe_allocation(all);
            case kind_no::free: return;
            case kind_no::records: return describe_records(all, known);
            case kind_no::directory: return describe_directory(all);
            case kind_no::overflow: return describe_overflow(all);
            case kind_no::names: return describe_names(all);
        }
        all.below.push_back({shown(bytes_)});
    }
    void describe_heap(item& all, known_schemas const& known) const {
        view<quire::heap_page> const heap{bytes_};
        all.add("slots", heap.slot_count()).add("free bytes", heap.free_space());
        for (std::size_t i = 0; i < heap.slot_count(); ++i) {
            item one{"slot " + std::to_string(i)};
            if (quire::slot_id const slot{i}; heap.contains(slot)) {
                auto const tuple = heap.tuple(slot);
                tuple.with_span([&](bytes_type bytes) {
                    one.add("tuple", counted(bytes.size(), "byte"));
                    add_row_or_bytes(one, known.of_tuples(), bytes);
                });
            }
            all.below.push_back(std::move(one));
        }
    }
    void describe_node(item& all, known_schemas const& known) const {
        auto const is = node();
        all.add("tree", is.tree()).add("level", is.level()).add("entries", is.count());
        auto const* const schema = known.of_tree(is.tree());
        all.add("bytes used", is.used()).add("from", key_text(schema, is.low()));
        all.add("below", is.has_high() ? key_text(schema, is.high()) : "no limit");
        std::vector<std::byte> prefix(node_type::key_size_max);
        prefix.resize(is.copy_prefix(prefix));
        for (std::size_t i = 0; i < is.count(); ++i) {
            auto key = prefix;
            auto const rest = is.suffix(i);
            key.insert(key.end(), rest.begin(), rest.end());
            item one{"entry " + std::to_string(i)};
            one.add("key", key_text(schema, key));
            if (is.level() > 0) {
                one.add("child", is.child(i).value());
            } else if (auto const stored = is.stored(i); !stored.overflows) {
                add_value(one, schema, stored.bytes);
            } else if (auto const at = quire::detail::overflow_place::load(stored.bytes)) {
                one.add("value", counted(at->size, "byte")).add("from page", at->first.value());
            }
            all.below.push_back(std::move(one));
        }
    }
    void describe_catalog(item& all) const {
        view<quire::catalog_page> const catalog{bytes_};
        auto const needed = catalog.log().opening;
        all.add("page size", catalog.page_size()).add("closed", catalog.is_closed() ? "yes" : "no");
        if (catalog.is_in_doubt()) { all.add("in doubt", "yes"); }
        if (needed.log != 0) { all.add("needs log", needed.log); }
        if (catalog.next().value() != 0) { all.add("next", catalog.next().value()); }
        describe_roots(all, catalog);
    }
    void describe_names(item& all) const {
        view<quire::names_page> const names{bytes_};
        all.add("next", names.next().value());
        describe_roots(all, names);
    }
    template <class Fn>
    [[nodiscard]] std::uint64_t with_roots(Fn fn) const {
        return is_catalog() ? fn(view<quire::catalog_page>{bytes_})
                            : fn(view<quire::names_page>{bytes_});
    }
    template <class Names>
    static void describe_roots(item& all, Names const& names) {
        for (std::size_t i = 0; i < names.slot_count(); ++i) {
            auto const root = names.entry(quire::slot_id{i});
            if (!root) { continue; }
            auto const name = names.name(root->slot);
            auto const schema = names.schema(root->slot);
            item one{"root " + std::string{name}};
            one.add("kind", root->kind == quire::root_kind::btree ? "tree" : "heap file");
            one.add("number", root->number).add("page", root->page.value());
            all.below.push_back(std::move(one.add("schema", std::string{schema})));
        }
    }
    void describe_allocation(item& all) const {
        view<quire::allocation_page> const map{bytes_};
        constexpr auto end = view<quire::allocation_page>::bit_count;
        all.add("used", map.used()).add("of", end);
        for (std::size_t bit = 0; bit < end;) {  // neighbours of one state
            auto const first = bit;
            bool const used = map.is_used(bit);
            while (bit < end && map.is_used(bit) == used) { ++bit; }
            if (!used && bit == end) { return; }
            item one{"pages " + std::to_string(no_ + first)};
            one.add("to", no_ + bit - 1).add("are", used ? "used" : "free");
            all.below.push_back(std::move(one));
        }
    }
    void describe_records(item& all, known_schemas const& known) const {
        view<quire::record_page> const records{bytes_};
        all.add("heap file", records.heap()).add("free bytes", records.free_space());
        records.for_each([&](quire::slot_id slot, auto const& record) {
            static constexpr char const* forms[] = {"row", "row that moved here", "moved away"};
            auto const form = static_cast<std::size_t>(record.form);
            item one{"slot " + std::to_string(slot.value())};
            one.add(forms[form - 1], counted(record.row.size(), "byte"));
            if (form > 1) { one.add(form == 2 ? "its id" : "now at", record_text(record.other)); }
            if (form < 3) { add_row_or_bytes(one, known.of_rows(records.heap()), record.row); }
            all.below.push_back(std::move(one));
            return true;
        });
    }
    void describe_directory(item& all) const {
        view<quire::heap_directory_page> const directory{bytes_};
        all.add("heap file", directory.heap()).add("next", directory.next().value());
        for (std::size_t i = 0; i < directory.count(); ++i) {
            item one{"page " + std::to_string(directory[i].page.value())};
            all.below.push_back(std::move(one.add("room", unsigned{directory[i].room})));
        }
    }

    void describe_overflow(item& all) const {
        view<quire::overflow_page> const part{bytes_};
        all.add("tree", part.tree()).add("position in its value", part.position());
        if (part.has_list(part.position())) {
            std::string behind = "then";
            for (std::size_t i = 0; i < part.list_size && part.listed(i).value() != 0; ++i) {
                behind += ' ' + std::to_string(part.listed(i).value());
            }
            all.below.push_back({behind});
        }
        all.below.push_back({shown(part.bytes_of_value())});
    }

    std::span<std::byte const, Size> bytes_;
    std::uint64_t no_;
};

}  // namespace pagedump
