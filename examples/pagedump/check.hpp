// SPDX-License-Identifier: BSL-1.0
#pragma once

/// check: what contradicts itself in a file of tables as a whole, beyond its single pages.
///
/// The checks are those of quire's catalog, btree and table, which walk over every page, and two of
/// this program's own: whether each row fits its schema, and whether each entry of an index leads
/// to a row with its key. A table has the types for that; here they are read from the catalog. So
/// what a schema's text does not say is not seen: whether a number is an enumerator of its enum,
/// and keys of codecs of the user's own.
///
/// The file is opened to read, without a lock, so whoever has it open is not in the way, and what
/// that program changes meanwhile may look wrong here. What a file's log alone has is not in the
/// file, and not seen.

#include "values.hpp"

#include <quire/quire.hpp>
#include <quire/table/table.hpp>

#include <set>

namespace pagedump {

/// Whether `key` is how a tree has values of the column `of` as keys. Errors: misfit; and
/// std::runtime_error where nobody can tell.
inline void require_key_of(column const& key, column const& of) {
    if (key.type == form::other) { throw std::runtime_error{"a key of another codec"}; }
    bool const is_same = key.type == of.type && (!of.is_nullable) && key.width == of.width &&
                         key.parts.size() == of.parts.size();
    bool const is_known = of.type == form::structure || of.type == form::boolean ||
                          of.type == form::number || of.is_variable();
    if (!is_same || !is_known) { throw misfit{"its key is none of column " + of.name}; }
    for (std::size_t i = 0; i < of.parts.size(); ++i) { require_key_of(key.parts[i], of.parts[i]); }
}
/// Adds what an index has of a row to its key: a column, or the members of one.
/// Expects: require_key_of. Errors: quire::error (it has no place in a key).
inline void write_key(quire::key_writer& to, column const& key, column const& of, bytes_type at) {
    if (of.type == form::structure) {
        for (std::size_t i = 0; i < of.parts.size(); ++i) {
            write_key(to, key.parts[i], of.parts[i], at.first(of.parts[i].width));
            at = at.subspan(of.parts[i].width);
        }
    } else if (of.is_variable()) {
        to.put_text(at);
    } else if (of.type == form::boolean) {
        quire::key_codec<bool>::write(to, at[0] != std::byte{0});
    } else {
        with_number(key.spelled, [&](auto n) {
            using number = decltype(n);
            quire::key_codec<number>::write(to, quire::load_le<number>(at.data()));
        });
    }
}

/// An index of a table, by the texts of both.
class index_text {
public:
    /// Errors: misfit (it is no index over such rows); std::runtime_error (nobody can tell).
    index_text(row_schema const& rows, row_schema::index const& declared, tree_schema const& tree)
        : rows_{rows}, is_unique_{declared.is_unique} {
        for (std::string_view left = declared.columns; !left.empty();) {
            auto const name = left.substr(0, left.find(','));
            left.remove_prefix(std::min(left.size(), name.size() + 1));
            auto const at = std::find_if(rows.columns.begin(), rows.columns.end(),
                                         [&](column const& one) { return one.name == name; });
            if (at == rows.columns.end()) { throw misfit{"its column is not there"}; }
            numbers_.push_back(static_cast<std::size_t>(at - rows.columns.begin()));
        }
        auto key = tree.key;  // (key,record) if it is not unique
        if (!is_unique_ && key.type == form::tuple && key.parts.size() == 2) {
            key = tree.key.parts[0];
        }
        is_compound_ = !is_unique_ || numbers_.size() > 1;
        keys_ = numbers_.size() > 1 ? key.parts : std::vector{key};
        if (numbers_.empty() || keys_.size() != numbers_.size()) {
            throw misfit{"its key is not made of the columns that it names"};
        }
        for (std::size_t i = 0; i < keys_.size(); ++i) {
            require_key_of(keys_[i], rows.columns[numbers_[i]]);
        }
    }
    /// Whether `entry` is that of the row. Errors: misfit.
    [[nodiscard]] bool is_entry_of(bytes_type entry, bytes_type row, quire::record_id id) const {
        std::vector<std::byte> room(entry.size() + row.size() * 2 + 64);
        quire::key_writer to{room};
        auto const members = [&] {
            for (std::size_t i = 0; i < numbers_.size(); ++i) {
                auto const bytes = column_bytes(rows_, row, numbers_[i]);
                write_key(to, keys_[i], rows_.columns[numbers_[i]], *bytes);
            }
            if (!is_unique_) { quire::key_codec<quire::record_id>::write(to, id); }
        };
        is_compound_ ? to.compound(members) : members();
        return text_of(to.written()) == text_of(entry);
    }
    /// The id that an entry leads to. Errors: misfit.
    [[nodiscard]] quire::record_id id_of(bytes_type entry, bytes_type value) const {
        if (is_unique_) {
            if (value.size() != 8) { throw misfit{"an entry of an index without an id"}; }
            return quire::record_id::from_bits(quire::load_le<std::uint64_t>(value.data()));
        }
        if (entry.size() < 8) { throw misfit{"an entry of an index without an id"}; }
        quire::key_reader from{entry.last(8)};
        return quire::key_codec<quire::record_id>::read(from);
    }

private:
    row_schema const& rows_;
    std::vector<std::size_t> numbers_;  ///< of its columns
    std::vector<column> keys_;
    bool is_unique_;
    bool is_compound_ = false;
};

template <std::size_t Size>
class tables_check {
    using pool_type = quire::buffer_pool<Size, quire::clock, quire::no_latch>;  // one thread
    using catalog_type = quire::catalog<pool_type>;
    using heap_type = quire::detail::record_heap<catalog_type>;
    using tree_type = quire::detail::byte_tree<catalog_type>;
    using bytes = std::vector<std::byte>;

public:
    explicit tables_check(std::string const& path)
        : file_{pool_.open(path, quire::open_mode::read_only,
                           {.io = quire::io_mode::buffered, .lock = quire::file_lock::none})} {}

    /// Errors: those of reading, which say nothing of the content.
    void run() {
        look(0, [&] {
            if (file_.pages() < 2) { return add(0, "the file has no allocation page"); }
            catalog_type db{pool_, file_, quire::lost_log::accepted};
            note_log();
            roots_ = db.roots();
            for (auto const& root : roots_) { look(root.page, [&] { check_root(db, root); }); }
            for (auto const& root : roots_) {
                if (root.kind != quire::root_kind::heap_file) { continue; }
                bool ended = false;
                look(root.page, [&] { ended = check_rows(db, root); });
                if (!ended) {
                    passed.push_back("what rows and indexes of " + root.name +
                                     " are left: see what is wrong with its pages");
                }
            }
            bool const all_reached = found.empty();
            append(all_reached ? db.check(reached_) : db.check());
            done.push_back("the catalog and the allocation pages");
            (all_reached ? done : passed)
                .push_back("whether each page in use belongs to something");
        });
    }
    quire::findings found;
    std::vector<std::string> done;    ///< what was looked at
    std::vector<std::string> passed;  ///< what was not, and why

private:
    void add(quire::page_no page, std::string text) { found.push_back({page, std::move(text)}); }
    void append(quire::findings const& more) {
        found.insert(found.end(), more.begin(), more.end());
    }
    /// `fn()`, whose errors of content are a finding.
    template <class Fn>
    void look(quire::page_no page, Fn fn) {
        try {
            fn();
        } catch (misfit const& why) {
            add(page, why.what);
        } catch (quire::error const& why) {
            using quire::errc;
            bool const is_about_content = quire::detail::is_about_content(why.kind()) ||
                                          why.kind() == errc::catalog_mismatch ||
                                          why.kind() == errc::bad_key;
            if (!is_about_content) { throw; }
            add(page, why.what());
        }
    }
    void note_log() {
        auto const names = file_.template read<quire::catalog_page>(0);
        auto const log = names->log().opening.log;
        if (log != 0) {
            passed.push_back("what log " + std::to_string(log) +
                             " alone has: the file was not closed");
        }
    }
    [[nodiscard]] static quire::root_entry entry_of(quire::root_info const& root) {
        return {.slot = {}, .number = root.number, .kind = root.kind, .page = root.page};
    }
    /// Its pages by themselves, whatever is in rows, keys and values.
    void check_root(catalog_type& db, quire::root_info const& root) {
        if (root.kind == quire::root_kind::btree) {
            tree_type const tree{db, root.page, root.number};
            quire::detail::tree_check all{tree, reached_};
            append(all.run());
            done.push_back("tree " + root.name + ": " +
                           counted(all.stats().leaf_pages + all.stats().inner_pages, "page") +
                           ", entries " + std::to_string(all.stats().entries));
        } else if (root.kind == quire::root_kind::heap_file) {
            heap_type const heap{db, entry_of(root)};
            quire::detail::table_check<heap_type, bytes> all{heap, reached_};
            all.run_heap();
            append(all.take());
            done.push_back("heap file " + root.name + ": " + counted(heap.pages(), "page") +
                           " of rows");
        } else {
            add(0, "root " + root.name + " is of a kind that is none");
        }
    }
    /// Each row by its schema, and each entry of its indexes. True: to the end.
    bool check_rows(catalog_type& db, quire::root_info const& root) {
        heap_type const heap{db, entry_of(root)};
        std::optional<row_schema> rows;
        try {
            rows.emplace(row_schema::of(root.schema));
        } catch (std::runtime_error const& why) {
            passed.push_back("rows of " + root.name + ": " + why.what());
            return true;
        }
        std::uint64_t count = 0;
        heap.scan([&](quire::record_id id, bytes_type row) {
            ++count;
            item ignored{};
            try {
                add_row(ignored, *rows, row);
            } catch (misfit const& why) {
                add(id.page, "slot " + std::to_string(id.slot.value()) +
                                 ": its row does not fit the schema: " + why.what);
            }
            return true;
        });
        done.push_back("rows of " + root.name + " by their schema: " + std::to_string(count));
        for (auto const& declared : rows->indexes) {
            auto const name = root.name + '.' + declared.columns;
            look(root.page, [&] { check_index(db, heap, *rows, declared, name, count); });
        }
        return true;
    }
    void check_index(catalog_type& db, heap_type const& heap, row_schema const& rows,
                     row_schema::index const& declared, std::string const& name,
                     std::uint64_t row_count) {
        auto const root = std::find_if(roots_.begin(), roots_.end(), [&](auto const& one) {
            return one.name == name && one.kind == quire::root_kind::btree;
        });
        if (root == roots_.end()) { return add(0, "index " + name + " is not there"); }
        std::optional<index_text> index;
        try {
            index.emplace(rows, declared, tree_schema::of(root->schema));
        } catch (misfit const& why) {
            throw misfit{"index " + name + ": " + why.what};
        } catch (std::runtime_error const& why) {
            passed.push_back("index " + name + ": " + why.what());
        }
        if (!index) { return; }
        std::uint64_t count = 0;
        tree_type const tree{db, root->page, root->number};
        for_each_entry(tree, [&](bytes_type key, bytes_type value) {
            ++count;
            look(root->page, [&] { check_entry(heap, *index, name, key, value); });
        });
        if (count != row_count) {
            add(root->page, "index " + name + " has " + std::to_string(count) + " entries for " +
                                std::to_string(row_count) + " rows");
        }
        done.push_back("index " + name + ": whether its entries lead to their rows");
    }
    void check_entry(heap_type const& heap, index_text const& index, std::string const& name,
                     bytes_type key, bytes_type value) {
        auto const id = index.id_of(key, value);
        bool is_right = false;
        quire::detail::outside_of_changes none;
        heap.read(none, id, [&](bytes_type row) { is_right = index.is_entry_of(key, row, id); });
        if (!is_right) {
            add(id.page, "slot " + std::to_string(id.slot.value()) + ": an entry of index " + name +
                             " leads here, and not to its row");
        }
    }
    /// `fn(key, value)`, not under a latch: copies of a leaf's at a time.
    template <class Fn>
    static void for_each_entry(tree_type const& tree, Fn fn) {
        quire::detail::kept_key<tree_type::key_size_max> next;
        bytes room;
        for (bool more = true; more;) {
            std::vector<std::pair<bytes, bytes>> entries;
            quire::detail::outside_of_changes none;
            more = false;
            tree.walk(none, next.bytes(), [&](auto const& leaf, std::size_t at) {
                for (; at < leaf.count(); ++at) {
                    quire::detail::kept_key<tree_type::key_size_max> key;
                    key.take(leaf, at);
                    auto const value = tree.whole_value(none, leaf, leaf.stored(at), room);
                    entries.emplace_back(bytes(key.bytes().begin(), key.bytes().end()),
                                         bytes(value.begin(), value.end()));
                }
                more = next.take_high(leaf);
                return false;
            });
            for (auto const& [key, value] : entries) { fn(key, value); }
        }
    }

    pool_type pool_{{.frames = 256}};
    typename pool_type::file file_;
    std::vector<quire::root_info> roots_;
    std::set<quire::page_no> reached_;
};

}  // namespace pagedump
