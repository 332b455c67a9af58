// SPDX-License-Identifier: BSL-1.0
#pragma once

/// catalog_page: page 0 of a file of tables: what the file is, and the names of what is in it.
///
/// Byte map, behind the common header of 24 bytes (page_header.hpp; kind 3, version 1):
///
///    24   8   fields of the slotted layout (page/slotted.hpp)
///    32   8   magic: "quire db"
///    40   4   version of the file's format: 2
///    44   4   page size
///    48  16   file id: random, made with the file
///    64   4   next number: of the tree or heap that is made next; from 1
///    68   1   1: the file was closed, and nothing was changed since; else 0
///    69   1   1: it is not known whether the file is whole; else 0
///    70   2   zero
///    72  24   the log without which the file is not whole (base/log_opening.hpp), 8 bytes each:
///             log, opening, hash of the file's name there; zero: none
///    96       line pointers, and roots as tuples. A root:
///
///         0   4   number: which tree or heap; never given twice in a file
///         4   1   kind (root_kind)
///         5   1   length of its name, 1 to 255
///         6   6   its first page
///        12  ..   name, then the text of its schema
///
/// Page sizes: powers of two from 512 bytes to 32 KiB. All numbers are little-endian.
///
/// Invariants (of a page that `validate` passes)
///   I1. The layout is slotted.hpp's, and each live slot is a root with a name, unlike any other.
///   I2. Numbers of roots are unlike each other, at least 1, and below the next number.
/// of every operation
///   I3. Any bytes are a legal page: a contradiction is errc::corrupt_page, and nothing changes.
///
/// Whether the magic, the version and the page size are those of this code and this pool, the
/// catalog asks (catalog.hpp): the page only tells them.
/// Cost: finding a name looks at every root. Nothing allocates.

#include <quire/base/log_opening.hpp>
#include <quire/page/page_change.hpp>
#include <quire/page/slotted.hpp>
#include <quire/table/detail/own_header.hpp>

#include <algorithm>    // std::ranges::copy
#include <limits>       // std::numeric_limits
#include <optional>     // std::optional
#include <string_view>  // std::string_view

namespace quire::inline QUIRE_ABI {

/// What begins at a root.
enum class root_kind : std::uint8_t {
    heap_file = 1,
    btree = 2,
};

/// A root, without its texts.
struct root_entry {
    slot_id slot;              ///< in the catalog's page
    std::uint32_t number = 0;  ///< never given to another root of the file
    root_kind kind{};
    page_no page;

    friend bool operator==(root_entry const&, root_entry const&) = default;
};

template <page_byte Byte, std::size_t PageSize>
class QUIRE_POINTER catalog_page : public page_view<catalog_page, Byte, PageSize> {
    static_assert(slotted_page_size<PageSize>,
                  "a catalog page has a power of two of bytes, from 512 to 32768");
    static constexpr std::size_t slots_at = 96;
    using header = detail::own_header<kind_no::catalog, 1>;
    using layout = slotted<Byte, PageSize, slots_at>;

    static constexpr field_le<std::uint64_t> magic_field{32};
    static constexpr field_le<std::uint32_t> format_field{40};
    static constexpr field_le<std::uint32_t> page_size_field{44};
    static constexpr std::size_t file_id_at = 48;
    static constexpr field_le<std::uint32_t> next_number_field{64};
    static constexpr field_le<std::uint8_t> closed_field{68};
    static constexpr field_le<std::uint8_t> doubt_field{69};
    static constexpr field_le<std::uint64_t> log_field{72};
    static constexpr field_le<std::uint64_t> opening_field{80};
    static constexpr field_le<std::uint64_t> log_name_field{88};
    static_assert(magic_field.offset == needed_log::magic_at &&
                  log_field.offset == needed_log::at);
    static constexpr std::size_t name_at = 12;  // in a root

public:
    static constexpr std::size_t first_field_at = page_header::kind_offset;
    static constexpr std::size_t file_id_size = 16;
    static constexpr std::uint64_t file_magic = needed_log::magic;
    static constexpr std::uint32_t file_format = 2;
    static constexpr std::size_t name_size_max = 255;
    using catalog_page::page_view::page_view;

    /// Makes `bytes` a catalog without roots, of a file without an id.
    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        header::format(bytes, no);
        slotted<std::byte, PageSize, slots_at>{bytes}.clear();
        magic_field.store(bytes, file_magic);
        format_field.store(bytes, file_format);
        page_size_field.store(bytes, static_cast<std::uint32_t>(PageSize));
        next_number_field.store(bytes, 1);
    }
    /// Whether the header names this kind and a version that this code knows.
    [[nodiscard]] static bool accepts(std::span<std::byte const, PageSize> bytes) noexcept {
        return header::accepts(bytes);
    }

    // The file

    [[nodiscard]] std::uint64_t magic() const { return this->load(magic_field); }
    [[nodiscard]] std::uint32_t format_version() const { return this->load(format_field); }
    [[nodiscard]] std::uint32_t page_size() const { return this->load(page_size_field); }
    [[nodiscard]] byte_view<std::byte const> file_id() const& QUIRE_LIFETIMEBOUND QUIRE_LENDS {
        return this->lend(file_id_at, file_id_size);
    }
    QUIRE_REFUSED_ON_TEMPORARY_PAGE(file_id);
    [[nodiscard]] std::uint32_t next_number() const { return this->load(next_number_field); }
    /// Whether the file was closed, and nothing was changed since.
    [[nodiscard]] bool is_closed() const { return this->load(closed_field) == 1; }
    /// Whether there was a crash without a log, or a log was lost, and nobody has accepted that.
    [[nodiscard]] bool is_in_doubt() const { return this->load(doubt_field) != 0; }
    /// The log without which the file is not whole.
    [[nodiscard]] needed_log log() const {
        return {{this->load(log_field), this->load(opening_field)}, this->load(log_name_field)};
    }

    void set_file_id(std::span<std::byte const, file_id_size> id)
        requires writable_page<Byte>
    {
        this->write(file_id_at, id);
    }
    void set_closed(bool closed)
        requires writable_page<Byte>
    {
        this->store(closed_field, closed ? 1 : 0);
    }
    void set_in_doubt(bool doubtful)
        requires writable_page<Byte>
    {
        this->store(doubt_field, doubtful ? 1 : 0);
    }
    void set_log(needed_log const& needed)
        requires writable_page<Byte>
    {
        this->store(log_field, needed.opening.log);
        this->store(opening_field, needed.opening.opening);
        this->store(log_name_field, needed.name);
    }

    // Roots

    /// Slots of roots, also those without one: their numbers are below it.
    [[nodiscard]] std::size_t slot_count() const { return page().load_bounds().slots; }
    /// The root in `slot`, if there is one.
    [[nodiscard]] std::optional<root_entry> entry(slot_id slot) const {
        auto const bounds = page().load_bounds();
        if (slot.value() >= bounds.slots) { return std::nullopt; }
        auto const pointer = page().load_pointer(slot.value(), bounds);
        if (!pointer.is_live()) { return std::nullopt; }
        auto const root = checked(page().tuple(pointer));
        std::uint64_t const low = load_le<std::uint32_t>(root.data() + 6);
        std::uint64_t const high = load_le<std::uint16_t>(root.data() + 10);
        return root_entry{.slot = slot,
                          .number = load_le<std::uint32_t>(root.data()),
                          .kind = static_cast<root_kind>(load_le<std::uint8_t>(root.data() + 4)),
                          .page = low | (high << 32)};
    }
    /// The root of that name, if there is one.
    [[nodiscard]] std::optional<root_entry> find(std::string_view name) const {
        std::size_t const count = slot_count();
        for (std::size_t i = page().next_live(0); i < count; i = page().next_live(i + 1)) {
            if (name_in(root_in(slot_id{i})) == name) { return entry(slot_id{i}); }
        }
        return std::nullopt;
    }
    /// The name of the root in `slot`. Errors: errc::no_such_tuple.
    [[nodiscard]] column_text name(slot_id slot) const& QUIRE_LIFETIMEBOUND {
        auto const name = name_in(root_in(slot));
        return this->lend_text(offset_of(name), name.size());
    }
    /// The schema of the root in `slot`. Errors: errc::no_such_tuple.
    [[nodiscard]] column_text schema(slot_id slot) const& QUIRE_LIFETIMEBOUND {
        auto const root = root_in(slot);
        auto const name = name_in(root);
        std::size_t const before = name_at + name.size();
        return this->lend_text(offset_of(name) + name.size(), root.size() - before);
    }
    QUIRE_REFUSED_ON_TEMPORARY_PAGE(name);
    QUIRE_REFUSED_ON_TEMPORARY_PAGE(schema);

    /// Adds a root with the next number, which it returns; nothing when the page is full.
    /// Errors: errc::corrupt_page when the next number is none, or the last.
    /// Expects: the name has 1 to 255 bytes, and no root has it.
    [[nodiscard("nothing was added when the page is full")]] std::optional<std::uint32_t> add(
        root_kind kind, page_no root_page, std::string_view name, std::string_view schema)
        requires writable_page<Byte>
    QUIRE_CHANGES {
        QUIRE_EXPECTS(!name.empty() && name.size() <= name_size_max,
                      "the name of a root has 1 to 255 bytes");
        page_change const change{*this, page()};
        std::uint32_t const number = next_number();
        if (number == 0 || number == std::numeric_limits<std::uint32_t>::max()) {
            header::corrupt("next number", this->bytes());
        }
        if (schema.size() > PageSize) { return std::nullopt; }
        auto const bounds = page().load_bounds();
        bool const added = page().place(
            page().lowest_free(bounds), name_at + name.size() + schema.size(),
            [&](std::span<std::byte> out) {
                store_le(out.data(), number);
                store_le(out.data() + 4, static_cast<std::uint8_t>(kind));
                store_le(out.data() + 5, static_cast<std::uint8_t>(name.size()));
                store_le(out.data() + 6, static_cast<std::uint32_t>(root_page.value()));
                store_le(out.data() + 10, static_cast<std::uint16_t>(root_page.value() >> 32));
                std::ranges::copy(std::as_bytes(std::span{name}), out.begin() + name_at);
                std::ranges::copy(std::as_bytes(std::span{schema}),
                                  out.subspan(name_at + name.size()).begin());
            },
            bounds);
        if (!added) { return std::nullopt; }
        this->store(next_number_field, number + 1);
        return number;
    }
    QUIRE_REFUSED_ON_SHARED(set_file_id);
    QUIRE_REFUSED_ON_SHARED(set_closed);
    QUIRE_REFUSED_ON_SHARED(set_in_doubt);
    QUIRE_REFUSED_ON_SHARED(set_log);
    QUIRE_REFUSED_ON_SHARED(add);

    /// The page's own number. Errors: errc::corrupt_page when the bytes are no page number.
    [[nodiscard]] page_no own_number() const { return header::number(this->bytes()); }
    /// Throws errc::corrupt_page, naming what is wrong, unless the page keeps I1 and I2.
    /// Cost: O(roots * roots + bytes).
    void validate() const {
        header::validate(this->bytes());
        if (own_number() != page_no{0}) { corrupt("place of a catalog page"); }
        page().validate();
        if (next_number() == 0) { corrupt("next number"); }
        if (this->load(closed_field) > 1) { corrupt("mark of closing"); }
        if (this->load(doubt_field) > 1) { corrupt("mark of doubt"); }
        for (std::size_t at = doubt_field.end(); at < log_field.offset; ++at) {
            if (this->bytes()[at] != std::byte{0}) { corrupt("reserved field"); }
        }
        auto const bounds = page().load_bounds();
        for (std::size_t i = 0; i < bounds.slots; ++i) {
            if (auto const root = entry(slot_id{i})) {
                validate_root(*root, bounds.slots);
            } else if (page().load_pointer(i, bounds).state() != slot_state::free) {
                corrupt("state of a root's slot");
            }
        }
    }

private:
    [[noreturn]] void corrupt(char const* what) const { header::corrupt(what, this->bytes()); }
    [[nodiscard]] layout page() const noexcept { return layout{this->bytes()}; }
    [[nodiscard]] std::size_t offset_of(std::string_view inside) const noexcept {
        auto const* const first = reinterpret_cast<std::byte const*>(inside.data());
        return static_cast<std::size_t>(first - this->bytes().data());
    }
    [[nodiscard]] std::span<std::byte const> checked(std::span<std::byte const> root) const {
        if (root.size() < name_at + 1) { corrupt("size of a root"); }
        std::size_t const name_size = load_le<std::uint8_t>(root.data() + 5);
        if (name_size == 0 || name_size > root.size() - name_at) { corrupt("name of a root"); }
        return root;
    }
    [[nodiscard]] std::span<std::byte const> root_in(slot_id slot) const {
        return checked(page().live_tuple(slot));
    }
    /// Expects: `root` was checked.
    [[nodiscard]] static std::string_view name_in(std::span<std::byte const> root) noexcept {
        return {reinterpret_cast<char const*>(root.data()) + name_at,
                load_le<std::uint8_t>(root.data() + 5)};
    }
    void validate_root(root_entry const& root, std::size_t slots) const {
        if (root.number == 0 || root.number >= next_number()) { corrupt("number of a root"); }
        for (std::size_t i = root.slot.value() + 1U; i < slots; ++i) {
            auto const other = entry(slot_id{i});
            if (!other) { continue; }
            if (other->number == root.number) { corrupt("two roots of one number"); }
            if (name_in(root_in(slot_id{i})) == name_in(root_in(root.slot))) {
                corrupt("two roots of one name");
            }
        }
    }
};

static_assert(page_kind<catalog_page, 512> && page_kind<catalog_page, 32768>);

}  // namespace quire::inline QUIRE_ABI
