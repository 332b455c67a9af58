// SPDX-License-Identifier: BSL-1.0
#pragma once

/// roots_page: roots as tuples of a page: what page 0 (catalog_page.hpp) and the pages of its chain
/// (names_page.hpp) have in common.
///
/// `NextAt` bytes are of the kind: 24 of the common header, 8 of the slotted layout
/// (page/slotted.hpp), and its own fields. Then:
///
///     0   8   next: the next page of the chain; 0: there is none
///     8       line pointers, and roots as tuples. A root:
///
///         0   4   number: which tree or heap; never given twice in a file
///         4   1   kind (root_kind)
///         5   1   length of its name, 1 to 255
///         6   6   its first page
///        12  ..   name, then the text of its schema
///
/// Invariants (of a page that `validate_roots` passes)
///   I1. The layout is slotted.hpp's, and each live slot is a root with a name, unlike any other.
///   I2. Numbers of roots are unlike each other, and at least 1.
/// of every operation
///   I3. Any bytes are a legal page: a contradiction is errc::corrupt_page, and nothing changes.
///
/// Cost: finding a name looks at every root. Nothing allocates.

#include <quire/page/page_change.hpp>
#include <quire/page/slotted.hpp>
#include <quire/table/detail/own_header.hpp>

#include <algorithm>    // std::ranges::copy
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
    slot_id slot;              ///< in the page that has it: it says nothing of another
    std::uint32_t number = 0;  ///< never given to another root of the file
    root_kind kind{};
    page_no page;

    friend bool operator==(root_entry const&, root_entry const&) = default;
};

namespace detail {

template <template <class, std::size_t> class Kind, page_byte Byte, std::size_t PageSize,
          class Header, std::size_t NextAt>
class QUIRE_POINTER roots_page : public page_view<Kind, Byte, PageSize> {
    static_assert(slotted_page_size<PageSize>,
                  "a page of roots has a power of two of bytes, from 512 to 32768");
    static constexpr std::size_t slots_at = NextAt + 8;
    static constexpr std::size_t name_at = 12;  // in a root
    static constexpr field_le<std::uint64_t> next_field{NextAt};
    using layout = slotted<Byte, PageSize, slots_at>;

public:
    static constexpr std::size_t first_field_at = page_header::kind_offset;
    static constexpr std::size_t next_at = NextAt;
    static constexpr std::size_t name_size_max = 255;
    /// Bytes of the name and the schema of a root that has an empty page to itself.
    static constexpr std::size_t text_size_max = layout::tuple_size_max - name_at;
    using roots_page::page_view::page_view;

    /// Makes `bytes` a page of the kind without roots, the last of its chain.
    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        Header::format(bytes, no);
        slotted<std::byte, PageSize, slots_at>{bytes}.clear();
    }
    /// Whether the header names this kind and a version that this code knows.
    [[nodiscard]] static bool accepts(std::span<std::byte const, PageSize> bytes) noexcept {
        return Header::accepts(bytes);
    }
    /// The page's own number. Errors: errc::corrupt_page when the bytes are no page number.
    [[nodiscard]] page_no own_number() const { return Header::number(this->bytes()); }

    /// The next page of the chain, 0 in the last one. Errors: errc::corrupt_page.
    [[nodiscard]] page_no next() const {
        auto const found = this->load(next_field);
        if (!page_no::fits(found)) { corrupt("next page of names"); }
        return found;
    }
    void set_next(page_no no)
        requires writable_page<Byte>
    {
        this->store(next_field, no.value());
    }

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
    /// Whether there is room for a root with texts of so many bytes in all.
    [[nodiscard]] bool has_room(std::size_t text_size) const {
        return text_size <= text_size_max &&
               name_at + text_size + line_pointer_size <= page().load_bounds().gap();
    }
    /// Adds a root, whose slot is found here. False when the page is full.
    /// Errors: errc::corrupt_page.
    /// Expects: the name has 1 to 255 bytes, and no root of the file has it.
    [[nodiscard("nothing was added when the page is full")]] bool add(root_entry const& root,
                                                                      std::string_view name,
                                                                      std::string_view schema)
        requires writable_page<Byte>
    QUIRE_CHANGES {
        QUIRE_EXPECTS(!name.empty() && name.size() <= name_size_max,
                      "the name of a root has 1 to 255 bytes");
        page_change const change{*this, page()};
        if (schema.size() > PageSize) { return false; }
        auto const bounds = page().load_bounds();
        return page().place(
            page().lowest_free(bounds), name_at + name.size() + schema.size(),
            [&](std::span<std::byte> out) {
                store_le(out.data(), root.number);
                store_le(out.data() + 4, static_cast<std::uint8_t>(root.kind));
                store_le(out.data() + 5, static_cast<std::uint8_t>(name.size()));
                store_le(out.data() + 6, static_cast<std::uint32_t>(root.page.value()));
                store_le(out.data() + 10, static_cast<std::uint16_t>(root.page.value() >> 32));
                std::ranges::copy(std::as_bytes(std::span{name}), out.begin() + name_at);
                std::ranges::copy(std::as_bytes(std::span{schema}),
                                  out.subspan(name_at + name.size()).begin());
            },
            bounds);
    }
    QUIRE_REFUSED_ON_SHARED(set_next);

protected:
    ~roots_page() = default;

    /// Throws errc::corrupt_page, naming what is wrong, unless the page keeps I1 and I2, and the
    /// numbers are below `end`, if that is not 0.
    /// Cost: O(roots * roots + bytes).
    void validate_roots(std::uint32_t end) const {
        Header::validate(this->bytes());
        page().validate();
        static_cast<void>(next());
        auto const bounds = page().load_bounds();
        for (std::size_t i = 0; i < bounds.slots; ++i) {
            if (auto const root = entry(slot_id{i})) {
                if (root->number == 0 || (end > 0 && root->number >= end)) {
                    corrupt("number of a root");
                }
                validate_unlike(*root, bounds.slots);
            } else if (page().load_pointer(i, bounds).state() != slot_state::free) {
                corrupt("state of a root's slot");
            }
        }
    }

private:
    static constexpr std::size_t line_pointer_size = 4;

    [[noreturn]] void corrupt(char const* what) const { Header::corrupt(what, this->bytes()); }
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
    /// Errors: errc::corrupt_page when a root behind it has its number or its name.
    void validate_unlike(root_entry const& root, std::size_t slots) const {
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

}  // namespace detail
}  // namespace quire::inline QUIRE_ABI
