// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_header: the first 24 bytes of every page in one of quire's own formats.
///
/// Byte map (little-endian):
///
///     0   4   checksum                  belongs to the seal (base/page_seal.hpp)
///     4   8   the page's own number     written by format and by the seal
///    12   2   kind                      kind_no: which view reads the rest
///    14   1   version of that format    each kind has its own
///    15   1   flags                     zero: there are none yet
///    16   8   log sequence number       for engines that log; quire's pool never reads it
///    24  ..   the kind's own fields
///
/// The struct here is a copy of the fields, for code that needs them by name: a page is not read
/// through it. Compilers load only the fields that are used.
///
/// Invariants
///   I1. `store` does not write the checksum: only the seal knows when the bytes are final.
///   I2. `number` is what the bytes contain, and may be no valid page number; `own_id` checks it.

#include <quire/base/error.hpp>
#include <quire/borrow/racy_byte.hpp>

#include <span>         // std::span
#include <string>       // std::to_string
#include <string_view>  // std::string_view

namespace quire::inline QUIRE_ABI {

/// Which of quire's formats a page is in. Zero stays unused: a blank page has it.
enum class kind_no : std::uint16_t {
    heap = 1,
    btree = 2,       ///< table/btree_page.hpp
    catalog = 3,     ///< table/catalog_page.hpp
    allocation = 4,  ///< table/allocation_page.hpp
    free = 5,        ///< table/free_page.hpp
    records = 6,     ///< table/record_page.hpp
    directory = 7,   ///< table/heap_directory_page.hpp
    overflow = 8,    ///< table/overflow_page.hpp
    names = 9,       ///< table/names_page.hpp
};

/// The fields of the common header, without the checksum.
struct page_header {
    static constexpr std::size_t size = 24;
    static constexpr std::size_t kind_offset = 12;  ///< what is before it the seal writes
    static constexpr std::size_t lsn_offset = 16;

    kind_no kind{};
    std::uint8_t version = 0;
    std::uint8_t flags = 0;
    std::uint64_t number = 0;
    std::uint64_t lsn = 0;

    [[nodiscard]] static page_header load(std::span<std::byte const, size> bytes) noexcept {
        return load_at(bytes.data());
    }
    /// Of a page that is read without its latch: each field by one load.
    [[nodiscard]] static page_header load(std::span<racy_byte const, size> bytes) noexcept {
        return load_at(bytes.data());
    }

    void store(std::span<std::byte, size> bytes) const noexcept {
        std::byte* const at = bytes.data();
        store_le(at + kind_offset, static_cast<std::uint16_t>(kind));
        store_le(at + 14, version);
        store_le(at + 15, flags);
        store_le(at + 4, number);
        store_le(at + lsn_offset, lsn);
    }

    friend bool operator==(page_header const&, page_header const&) = default;

private:
    template <viewed_byte Byte>
    [[nodiscard]] static page_header load_at(Byte* at) noexcept {
        return {.kind = static_cast<kind_no>(load_le<std::uint16_t>(at + kind_offset)),
                .version = load_le<std::uint8_t>(at + 14),
                .flags = load_le<std::uint8_t>(at + 15),
                .number = load_le<std::uint64_t>(at + 4),
                .lsn = load_le<std::uint64_t>(at + lsn_offset)};
    }
};

namespace detail {

/// The page id in the bytes, without a file; `none` when the number is not a valid page number.
template <viewed_byte Byte>
[[nodiscard]] page_id own_id(std::span<Byte, page_header::size> bytes) noexcept {
    std::uint64_t const number = page_header::load(bytes).number;
    return page_no::fits(number) ? page_id{file_no::unknown, number} : page_id::none();
}

/// An error about the page itself, for the caller to throw.
template <viewed_byte Byte>
[[nodiscard, gnu::cold, gnu::noinline]] error page_error(
    errc code, std::string_view what, std::span<Byte, page_header::size> bytes) {
    return error{code, what, own_id(bytes)};
}
/// Throws that error. Apart, so that functions that read a page keep its span in a register.
template <viewed_byte Byte>
[[noreturn, gnu::cold, gnu::noinline]] void throw_page_error(
    errc code, char const* what, std::span<Byte, page_header::size> bytes) {
    throw page_error(code, what, bytes);
}
/// Likewise, of the tuple in `slot`; past 65535: of one that has no slot.
template <viewed_byte Byte>
[[noreturn, gnu::cold, gnu::noinline]] void throw_tuple_error(
    errc code, std::size_t slot, std::span<Byte, page_header::size> bytes) {
    std::string where{"tuple"};
    if (slot <= 0xFFFF) { where += " in slot " + std::to_string(slot); }
    throw page_error(code, where, bytes);
}

}  // namespace detail
}  // namespace quire::inline QUIRE_ABI
