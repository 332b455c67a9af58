// SPDX-License-Identifier: BSL-1.0
#pragma once

/// catalog: what a file of tables has: named roots, and which of its pages are used.
///
///     auto file = pool.open("orders.db", quire::open_mode::open_or_create, {.logged = true});
///     quire::catalog db{pool, file};
///     auto const orders = db.root("orders", quire::root_kind::btree, "int64", make);
///     db.in_one_change([&](auto& pages) {
///         auto leaf = db.allocate<leaf_page>(pages);      // a free page of the file, or a new one
///         ...
///         db.free(pages, 17);
///     });
///     db.close();
///
/// Page 0 is the catalog's (catalog_page.hpp), page 1 the first allocation page
/// (allocation_page.hpp). The first `catalog` of an empty file makes both in one change. All other
/// pages of the file are made by `allocate` alone. Names for which page 0 has no room are in a
/// chain of further pages (names_page.hpp), as many as they need.
///
/// Allocation. Free pages are used before the file grows. A page that a change frees is used by
/// another only after the commit. A page that says it is anything but a free page is never handed
/// out, whatever the bits say: that is corrupt_page.
/// The file grows ahead of its pages, by a 16th, 256 pages at most. `close` gives back what was not
/// used; after a crash it is there, blank and free.
///
/// Order of latches. An operation has all other pages that others may wait for before it calls
/// `allocate` or `free`: when that is done it holds the allocation page 1, to its end. Page 0 is
/// before the pages of its chain of names, and these are before every page of a tree.
///
/// With a log. Page 0 keeps which log the file needs (detail/closing_mark.hpp): written durably
/// when the catalog is opened, before its first change; taken back by `close`, after everything
/// else. Opened without a log such a file is needs_log; with another log, a copy of it from before
/// it was opened, or by another name, log_mismatch. `lost_log::accepted` opens it all the same,
/// like one that crashed without a log. A log whose records of the file are older than a use
/// without it is not replayed: log_mismatch, when the file is opened in the pool. The end of
/// the pool, or paged_file::close, does not take the mark back: such a file is whole, and refused
/// without its log.
/// Not seen: an older copy of the file, where the log has no change of it since its checkpoint; one
/// of both, or of the log from the same opening; and that records were dropped which a file needs,
/// by buffer_pool::forget, or by create_or_replace under its name while it had another.
///
/// Without a log. `free` comes last, after everything that can fail: it is not undone. An operation
/// that frees several pages calls `hold_to_free` for each first; then `free` cannot fail. Pages
/// that a failed operation has allocated are free again.
/// A crash between two flushes can leave any mix of old and new pages. So there is a mark in page
/// 0. It is set durably by `close` alone, and cleared durably before the first change of a life,
/// which costs a flush. `was_closed_cleanly` tells what it was; `check` finds what contradicts
/// itself here. Once a file was not closed cleanly, `close` marks it again only after
/// `accept_after_crash`. A page 1 that was not written is made when such a file is opened to be
/// changed.
///
/// Threads: any, except that the constructor and `close` run alone. One catalog for one open file.
/// Cost: allocate and free latch page 1 and the page's allocation page, and allocate nothing. A
/// search for a free page starts where the last one ended; the first one after opening looks at
/// every bit. `close` cuts a file that has grown, and syncs it once more for that.

#include <quire/table/detail/catalog_check.hpp>
#include <quire/table/detail/catalog_parts.hpp>
#include <quire/table/detail/closing_mark.hpp>
#include <quire/table/detail/name_chain.hpp>
#include <quire/table/detail/page_allocator.hpp>

#include <mutex>   // std::mutex
#include <random>  // std::random_device
#include <set>     // std::set
#include <vector>  // std::vector

namespace quire::inline QUIRE_ABI {

/// A root with its texts.
struct root_info {
    std::string name;
    std::string schema;
    std::uint32_t number = 0;
    root_kind kind{};
    page_no page;

    friend bool operator==(root_info const&, root_info const&) = default;
};

template <class Pool = buffer_pool<>>
class catalog : immovable {
    static_assert(slotted_page_size<Pool::page_size>,
                  "a file of tables has pages of a power of two of bytes, from 512 to 32768");
    using names_type = catalog_page<std::byte const, Pool::page_size>;
    using chain_page = names_page<std::byte const, Pool::page_size>;
    using chain_type = detail::name_chain<typename Pool::file, Pool::page_size>;

public:
    using file_type = typename Pool::file;
    static constexpr std::size_t page_size = Pool::page_size;

    /// Makes the catalog of an empty file, or opens and checks the one that is there.
    /// Errors: catalog_mismatch (another magic, version or page size), wrong_page_kind (page 0 or 1
    /// is of another kind), corrupt_page (with crc_seal also a file of another page size),
    /// needs_log, log_mismatch (see lost_log), and those of reading, of a change and a flush.
    /// Expects: this thread holds no guard of the pool.
    catalog(Pool& pool, file_type const& file, lost_log without = lost_log::refused)
        : pool_{pool}, file_{file}, allocator_{file}, mark_{pool, file} {
        if (file.pages() > 0) { open(without); }
        if (file.pages() == 1) { begin_changes(); }  // a crash left it so
        if (file.pages() < 2) { make(); }
        if (allocator_.lacks_gate(mark_.was_clean()) && file.is_writable()) {
            in_one_change([&](auto& pages) { allocator_.make_gate(pages); });
        }
        allocator_.let_grow_ahead();
        if (is_logged() && file.is_writable()) { mark_.begin(); }
    }

    [[nodiscard]] Pool& pool() const noexcept { return pool_; }
    [[nodiscard]] file_type const& file() const noexcept { return file_; }
    [[nodiscard]] bool is_logged() const noexcept { return file_.is_logged(); }
    /// Random, and made with the file.
    [[nodiscard]] std::array<std::byte, names_type::file_id_size> file_id() const {
        auto const names = file_.template read<catalog_page>(0);
        std::array<std::byte, names_type::file_id_size> id{};
        auto const lent = names->file_id();
        lent.copy_to(id);
        return id;
    }

    /// `fn(pages)` with a change of this file, a quire::change or an unlogged_change, possibly
    /// several times; then the commit. The LSN, or 0. Operations wait for each other in no circle,
    /// whatever the order of their pages.
    /// Errors: those of `fn`, of a change, and of begin_changes.
    /// Expects: this thread holds no guard of the pool.
    template <class Fn>
    std::uint64_t in_one_change(Fn&& fn) {
        begin_changes();
        if (is_logged()) { return quire::in_one_change(pool_, file_, fn); }
        unlogged_change<Pool>::run(pool_, only_one_waits_, fn);
        return 0;
    }
    /// For code that changes pages in another way than `in_one_change`: once before, or each time.
    /// Errors: those of a flush.
    /// Expects: this thread holds no guard of the pool.
    void begin_changes() {
        if (mark_.must_begin()) [[unlikely]] { mark_.begin(); }
    }

    // Roots

    /// The root of that name. If there is none, it is made in one change: `make(pages, page,
    /// number)` formats the page, which is held and a free page. It may allocate more, and run
    /// several times; it asks for no root.
    /// Errors: catalog_mismatch (the name is of another kind or schema), bad_option (a name has 1
    /// to 255 bytes), tuple_too_large (name and schema do not fit into an empty page), corrupt_page
    /// (a damaged chain of names, too), those of in_one_change.
    /// Expects: this thread holds no guard of the pool.
    template <class Make>
    root_entry root(std::string_view name, root_kind kind, std::string_view schema, Make&& make) {
        if (name.empty() || name.size() > names_type::name_size_max) {
            throw error{errc::bad_option, "find a root",
                        {.why = "a name has 1 to 255 bytes, not " + std::to_string(name.size())}};
        }
        if (auto const found = find(name, kind, schema)) { return *found; }
        auto const size = name.size() + schema.size();
        if (size > chain_page::text_size_max) { refuse_texts(name, size); }
        std::optional<root_entry> made;
        in_one_change([&](auto& pages) {
            auto names = pages.template write<catalog_page>(file_, 0);
            made = checked(*std::as_const(names).operator->(), name, kind, schema);
            if (made) { return; }  // another thread was faster
            made = chain_type{file_}.add(pages, names, allocator_, name, kind, schema, make);
        });
        return *made;
    }
    /// The root of that name, if there is one. Errors: catalog_mismatch as above, corrupt_page.
    [[nodiscard]] std::optional<root_entry> find(std::string_view name, root_kind kind,
                                                 std::string_view schema) const {
        auto const names = file_.template read<catalog_page>(0);
        return checked(*names.operator->(), name, kind, schema);
    }
    /// Those of page 0, then those of its chain. Errors: corrupt_page.
    [[nodiscard]] std::vector<root_info> roots() const {
        std::vector<root_info> all;
        auto const first = file_.template read<catalog_page>(0);
        chain_type{file_}.for_each_page(*first.operator->(), [&](auto const& names, page_no) {
            for (std::size_t i = 0; i < names.slot_count(); ++i) {
                auto const root = names.entry(slot_id{i});
                if (!root) { continue; }
                all.push_back({std::string{names.name(root->slot)},
                               std::string{names.schema(root->slot)}, root->number, root->kind,
                               root->page});
            }
            return true;
        });
        return all;
    }

    // Pages, in a change of this file (change, unlogged_change)

    /// A page for use, formatted. Errors: those of pages.write and pages.append, corrupt_page.
    /// Expects: for a file without a log, `begin_changes` ran.
    template <template <class, std::size_t> class View, class Changes>
        requires page_kind<View, page_size>
    [[nodiscard]] auto allocate(Changes& pages) QUIRE_PASSES_ON(pages.lent) {
        expect_begun();
        auto const no = allocator_.take(pages);
        return pages.template format<View>(file_, no);
    }
    /// Page `no` is of use no more. Nothing of it may be lent.
    /// Errors: corrupt_page (it is free, or none that can be allocated), those of pages.write.
    template <class Changes>
    void free(Changes& pages, page_no no) {
        expect_begun();
        allocator_.free(pages, no);
    }
    /// Acquires all that `free` needs, and reports its errors: then `free` cannot fail.
    template <class Changes>
    void hold_to_free(Changes& pages, page_no no) {
        allocator_.hold_to_free(pages, no);
    }

    // A whole life

    /// Whether nothing was lost when the file was last used: it had its log, is new, or was closed
    /// by `close`, or only read since.
    [[nodiscard]] bool was_closed_cleanly() const noexcept { return mark_.was_clean(); }
    /// The caller has checked a file that was not closed cleanly: `close` marks it from now on.
    void accept_after_crash() { mark_.accept(); }
    /// Writes everything, marks the file as closed, and closes it. A file without a log that was
    /// not changed is not marked anew. Errors: as paged_file::close, those of a change; is_open
    /// tells whether the file is open. Then it is closed again, discarded, or changed on: by
    /// `in_one_change`, or after `begin_changes`; else a logged file may refuse that (in_use).
    /// Expects: this thread holds no guard of the pool; no other uses the file.
    void close() {
        parts_.before_close();
        mark_.end();
        file_.close();
    }

    /// For what is in the file: what is remembered of a root, to the end of the catalog. It is made
    /// as `Part{db, where}` when it is first asked for, and told `before_close()`.
    /// Errors: those of its making.
    template <class Part>
    [[nodiscard]] Part& part(root_entry const& where) {
        return parts_.template of<Part>(*this, where);
    }

    /// What is wrong with page 0, the allocation pages, and the kinds of free pages; and which
    /// pages are in use and not in `reached`, which has what the checks of all trees have reached.
    /// Reads the whole file. Throws nothing for what the pages contain; the findings are for
    /// people.
    /// Errors: read_failed, timed_out, and others that say nothing of the content.
    /// Expects: no other thread changes the file; this one holds no guard of the pool.
    [[nodiscard]] findings check(std::set<page_no> const& reached) const {
        return detail::catalog_check<file_type, page_size>{file_, &reached}.run();
    }
    /// Likewise where nothing is known of the trees.
    [[nodiscard]] findings check() const {
        return detail::catalog_check<file_type, page_size>{file_, nullptr}.run();
    }

private:
    void make() {
        quire::in_one_change(pool_, file_, [&](auto& pages) {
            if (file_.pages() == 0) {
                auto names = pages.template append<catalog_page>(file_);
                names->set_file_id(random_id());
                names->set_log(mark_.log_of_its_records());
            }
            auto const map = pages.template append<allocation_page>(file_);
            QUIRE_EXPECTS(map.page_no() == 1, "one thread makes the catalog of a file");
        });
    }
    void open(lost_log without) {
        try {
            look_at_page_0(without);
        } catch (error const& why) {
            if (why.code() != errc::corrupt_page) { throw; }
            auto const here = std::to_string(page_size);
            auto const found = page_size_on_disk();
            throw file_.slot().failure(
                errc::corrupt_page, "open a catalog", file_.id_of(0), 0,
                found ? "page size is " + std::to_string(*found) + ", not " + here
                      : "or the file's pages have not " + here + " bytes");
        }
    }
    /// What a page 0 that its seal refuses says, if that may be why.
    [[nodiscard]] std::optional<std::uint32_t> page_size_on_disk() const {
        try {
            return detail::look_unsealed(
                file_.core(), file_.slot(), 0, "open a catalog",
                [](std::span<std::byte const, page_size> bytes) -> std::optional<std::uint32_t> {
                    names_type const names{bytes};
                    auto const size = names.page_size();
                    bool const may_be = names.magic() == names_type::file_magic &&
                                        size != page_size && std::has_single_bit(size) &&
                                        size >= 512 && size <= 32768;
                    return may_be ? std::optional{size} : std::nullopt;
                });
        } catch (error const&) { return std::nullopt; }
    }
    /// Another version of the format may have another version of the page's kind: so it is asked
    /// before the kind.
    void look_at_page_0(lost_log without) {
        {
            auto const any = file_.read(0);
            auto const bytes = any->bytes();
            auto const all = bytes.unguarded_span().template first<page_size>();
            names_type const names{all};
            auto const header = page_header::load(all.template first<page_header::size>());
            if (header.kind == kind_no::catalog && !names_type::accepts(all) &&
                names.magic() == names_type::file_magic) {
                require_format(names.format_version());
            }
        }
        auto const names = file_.template read<catalog_page>(0);
        if (names->magic() != names_type::file_magic) {
            differ("magic", names->magic(), names_type::file_magic);
        }
        require_format(names->format_version());
        if (names->page_size() != page_size) {
            differ("page size", names->page_size(), page_size);
        }
        mark_.look_at(*names.operator->(), without);
    }
    [[nodiscard]] static std::array<std::byte, names_type::file_id_size> random_id() {
        std::array<std::byte, names_type::file_id_size> id{};
        std::random_device random;
        for (std::size_t i = 0; i < id.size(); i += 4) {
            store_le<std::uint32_t>(id.data() + i, random());
        }
        return id;
    }

    // Errors, with both values

    [[noreturn]] void mismatch(std::string const& why) const {
        throw file_.slot().failure(errc::catalog_mismatch, "open a catalog", file_.id_of(0), 0,
                                   why);
    }
    [[noreturn]] void differ(char const* what, std::uint64_t found, std::uint64_t wanted) const {
        mismatch(std::string{what} + " is " + std::to_string(found) + ", not " +
                 std::to_string(wanted));
    }
    void require_format(std::uint32_t found) const {
        if (found != names_type::file_format) {
            differ("version of the format", found, names_type::file_format);
        }
    }
    [[nodiscard]] static std::string in_words(root_kind kind) {
        switch (kind) {
            case root_kind::heap_file: return "a heap file";
            case root_kind::btree: return "a tree";
        }
        return "of kind " + std::to_string(static_cast<unsigned>(kind));
    }
    [[noreturn]] void refuse_texts(std::string_view name, std::size_t size) const {
        throw file_.slot().failure(errc::tuple_too_large, "make root " + std::string{name},
                                   file_.id_of(0), 0,
                                   "its name and schema have " + std::to_string(size) +
                                       " bytes, and at most " +
                                       std::to_string(chain_page::text_size_max) + " fit");
    }
    /// The root of that name, if there is one, when it is what is asked for.
    [[nodiscard]] std::optional<root_entry> checked(names_type const& names, std::string_view name,
                                                    root_kind kind,
                                                    std::string_view schema) const {
        auto const found = chain_type{file_}.find(names, name);
        if (!found) { return std::nullopt; }
        if (found->entry.kind != kind) {
            mismatch("root " + std::string{name} + " is " + in_words(found->entry.kind) + ", not " +
                     in_words(kind));
        }
        if (found->schema != schema) {
            mismatch("schema of root " + std::string{name} + " is \"" + found->schema +
                     "\", not \"" + std::string{schema} + "\"");
        }
        return found->entry;
    }

    void expect_begun() const noexcept {
        QUIRE_EXPECTS(is_logged() || !mark_.must_begin(),
                      "a change of a file of tables without a log begins with "
                      "catalog::begin_changes, or in catalog::in_one_change");
    }

    Pool& pool_;
    file_type file_;
    detail::page_allocator<Pool> allocator_;
    std::mutex only_one_waits_;
    detail::closing_mark<Pool> mark_;
    detail::catalog_parts parts_;
};

template <class Pool>
catalog(Pool&, typename Pool::file const&) -> catalog<Pool>;

}  // namespace quire::inline QUIRE_ABI
