// SPDX-License-Identifier: BSL-1.0
#pragma once

/// catalog_page: page 0 of a file with trees and heap files: what the file is, and where each
/// begins.
///
/// Byte map: the common header (page_header.hpp), the slot fields (slotted.hpp), and
///
///    32   8   "quire db"
///    40   4   page size
///    44   4   the number of the next tree or heap file
///    48   1   1: closed cleanly, 0: in use, or not closed
///    49  15   zero
///    64  ..   slots, 4 bytes each: one tuple for each name
///
///     0   4   its number: pages of a tree have it, too
///     4   1   what it is (root_kind)
///     5   6   its first page
///    11   2   length of the name
///    13  ..   the name, then the text of its schema
///
/// Invariants
///   I1. Names are not empty and differ; numbers are below the next one.
///   I2. Any bytes are a legal page: a contradiction is errc::corrupt_page.

#include <quire/borrow/page_kind.hpp>
#include <quire/page/slotted.hpp>

#include <optional>     // std::optional
#include <string_view>  // std::string_view

namespace quire::inline QUIRE_ABI {

/// What a name in a catalog stands for.
enum class root_kind : std::uint8_t { btree = 1, heap_file = 2 };

template <page_byte Byte, std::size_t PageSize>
class QUIRE_POINTER catalog_page {
    using layout = slotted<Byte, PageSize, 64>;
    static constexpr std::size_t name_at = 13;
    static constexpr std::string_view magic = "quire db";

public:
    static constexpr std::uint8_t version = 1;
    static constexpr std::size_t first_field_at = page_header::kind_offset;
    /// Of a name and its schema together.
    static constexpr std::size_t text_size_max = layout::tuple_size_max - name_at;

    /// A name's entry. Lifetime: as the page's bytes.
    struct root {
        std::uint32_t number;
        root_kind kind;
        page_no page;
        std::string_view name;
        std::string_view schema;
    };

    explicit catalog_page(std::span<Byte, PageSize> bytes) noexcept : page_{bytes} {}

    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        std::memset(bytes.data(), 0, PageSize);
        page_header{.kind = kind_no::catalog, .version = version, .number = no.value()}.store(
            bytes.template first<page_header::size>());
        slotted<std::byte, PageSize, 64>{bytes}.clear();
        std::memcpy(bytes.data() + 32, magic.data(), magic.size());
        store_le(bytes.data() + 40, static_cast<std::uint32_t>(PageSize));
        store_le(bytes.data() + 44, std::uint32_t{1});
    }
    [[nodiscard]] static bool accepts(std::span<std::byte const, PageSize> bytes) noexcept {
        auto const header = page_header::load(bytes.template first<page_header::size>());
        return header.kind == kind_no::catalog && header.version == version &&
               std::memcmp(bytes.data() + 32, magic.data(), magic.size()) == 0;
    }

    [[nodiscard]] std::uint32_t page_size() const noexcept {
        return load_le<std::uint32_t>(page_.bytes().data() + 40);
    }
    [[nodiscard]] std::uint32_t next_number() const noexcept {
        return load_le<std::uint32_t>(page_.bytes().data() + 44);
    }
    [[nodiscard]] bool is_closed() const noexcept {
        return page_.bytes()[48] == std::byte{1};
    }
    void set_closed(bool closed) const noexcept
        requires writable_page<Byte>
    {
        page_.bytes()[48] = closed ? std::byte{1} : std::byte{0};
    }

    /// `fn(root)` for each name. Errors: errc::corrupt_page.
    template <class Fn>
    void for_each(Fn fn) const {
        for (std::size_t i = page_.next_live(0); i != layout::no_slot; i = page_.next_live(i + 1)) {
            fn(root_in(i));
        }
    }
    /// The entry of `name`. Errors: errc::corrupt_page.
    [[nodiscard]] std::optional<root> find(std::string_view name) const {
        std::optional<root> found;
        for_each([&](root const& one) {
            if (one.name == name) { found = one; }
        });
        return found;
    }
    /// Adds an entry, whose number is next_number(). False when the page has no room.
    /// Expects: the name is not empty, and new. Errors: errc::corrupt_page.
    [[nodiscard]] bool add(root_kind kind, page_no first, std::string_view name,
                           std::string_view schema) const
        requires writable_page<Byte>
    {
        auto const number = next_number();
        if (number + 1 == 0) { page_.corrupt("next number"); }
        if (name.size() > text_size_max || schema.size() > text_size_max - name.size()) {
            return false;
        }
        auto const write = [&](std::span<std::byte> out) {
            std::byte* const at = out.data();
            store_le(at, number);
            store_le(at + 4, static_cast<std::uint8_t>(kind));
            store_le(at + 5, static_cast<std::uint32_t>(first.value()));
            store_le(at + 9, static_cast<std::uint16_t>(first.value() >> 32));
            store_le(at + 11, static_cast<std::uint16_t>(name.size()));
            std::memcpy(at + name_at, name.data(), name.size());
            if (!schema.empty()) {
                std::memcpy(at + name_at + name.size(), schema.data(), schema.size());
            }
        };
        auto const b = page_.load_bounds();
        if (!page_.place(b.slots, name_at + name.size() + schema.size(), write, b)) {
            return false;
        }
        store_le(page_.bytes().data() + 44, number + 1);
        return true;
    }

    /// Throws errc::corrupt_page, naming what is wrong, unless the page keeps every invariant.
    void validate() const {
        std::span<std::byte const, PageSize> const bytes{page_.bytes()};
        if (!accepts(bytes)) { page_.corrupt("kind, version or magic"); }
        if (page_header::load(page_.header_bytes()).flags != 0) { page_.corrupt("flags"); }
        if (page_size() != PageSize) { page_.corrupt("page size"); }
        if (bytes[48] > std::byte{1}) { page_.corrupt("mark of closing"); }
        for (std::size_t i = 49; i < 64; ++i) {
            if (bytes[i] != std::byte{0}) { page_.corrupt("reserved field"); }
        }
        page_.validate();
        std::size_t names = 0;
        for_each([&](root const& one) {
            std::size_t same = 0;
            for_each([&](root const& other) { same += other.name == one.name ? 1U : 0U; });
            if (same != 1) { page_.corrupt("a name twice"); }
            ++names;
        });
        if (names != page_.load_bounds().slots) { page_.corrupt("slots"); }
    }

    /// Throws errc::corrupt_page that names `what`.
    [[noreturn]] void corrupt(char const* what) const { page_.corrupt(what); }

private:
    [[nodiscard]] root root_in(std::size_t slot) const {
        std::span<std::byte const> const tuple = page_.live_tuple(slot_id{slot});
        if (tuple.size() < name_at) { page_.corrupt("entry"); }
        std::byte const* const at = tuple.data();
        std::size_t const name_size = load_le<std::uint16_t>(at + 11);
        if (name_size == 0 || name_size > tuple.size() - name_at) { page_.corrupt("name"); }
        auto const kind = load_le<std::uint8_t>(at + 4);
        if (kind < 1 || kind > 2) { page_.corrupt("kind of an entry"); }
        auto const number = load_le<std::uint32_t>(at);
        if (number >= next_number()) { page_.corrupt("number of an entry"); }
        std::string_view const text{reinterpret_cast<char const*>(at + name_at),
                                    tuple.size() - name_at};
        return {.number = number,
                .kind = static_cast<root_kind>(kind),
                .page = load_le<std::uint32_t>(at + 5) |
                        std::uint64_t{load_le<std::uint16_t>(at + 9)} << 32,
                .name = text.substr(0, name_size),
                .schema = text.substr(name_size)};
    }

    layout page_;
};

static_assert(page_kind<catalog_page, 512> && page_kind<catalog_page, 32768>);

}  // namespace quire::inline QUIRE_ABI
