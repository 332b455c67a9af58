// SPDX-License-Identifier: BSL-1.0
#pragma once

/// catalog_page: page 0 of a file of tables: what the file is, and the names of what is in it, as
/// far as they have room. Further ones are in a chain of pages of names (names_page.hpp).
///
/// Byte map, behind the common header of 24 bytes (page_header.hpp; kind 3, version 2):
///
///    24   8   fields of the slotted layout (page/slotted.hpp)
///    32   8   magic: "quire db"
///    40   4   version of the file's format: 3
///    44   4   page size
///    48  16   file id: random, made with the file
///    64   4   next number: of the tree or heap that is made next; from 1
///    68   1   1: the file was closed, and nothing was changed since; else 0
///    69   1   1: it is not known whether the file is whole; else 0
///    70   2   zero
///    72  24   the log without which the file is not whole (base/log_opening.hpp), 8 bytes each:
///             log, opening, hash of the file's name there; zero: none
///    96   8   next: the first page of the chain of names; 0: there is none
///   104       line pointers, and roots as tuples (detail/roots_page.hpp)
///
/// Page sizes: powers of two from 512 bytes to 32 KiB. All numbers are little-endian.
///
/// Invariants (of a page that `validate` passes)
///   I1. The roots keep the invariants of detail/roots_page.hpp.
///   I2. Numbers of roots are below the next number, from which a file gives all of them: also
///       those of roots in the chain.
/// of every operation
///   I3. Any bytes are a legal page: a contradiction is errc::corrupt_page, and nothing changes.
///
/// Whether the magic, the version and the page size are those of this code and this pool, the
/// catalog asks (catalog.hpp): the page only tells them.
/// Cost: finding a name looks at every root. Nothing allocates.

#include <quire/base/log_opening.hpp>
#include <quire/table/detail/roots_page.hpp>

#include <limits>  // std::numeric_limits

namespace quire::inline QUIRE_ABI {

template <page_byte Byte, std::size_t PageSize>
class QUIRE_POINTER catalog_page
    : public detail::roots_page<catalog_page, Byte, PageSize,
                                detail::own_header<kind_no::catalog, 2>, 96> {
    using header = detail::own_header<kind_no::catalog, 2>;
    using roots = detail::roots_page<catalog_page, Byte, PageSize, header, 96>;

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
                  log_field.offset == needed_log::at && log_name_field.end() == roots::next_at);

public:
    static constexpr std::size_t first_field_at = page_header::kind_offset;
    static constexpr std::size_t file_id_size = 16;
    static constexpr std::uint64_t file_magic = needed_log::magic;
    static constexpr std::uint32_t file_format = 3;
    using catalog_page::roots_page::roots_page;

    /// Makes `bytes` a catalog without roots, of a file without an id.
    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        roots::format(bytes, no);
        magic_field.store(bytes, file_magic);
        format_field.store(bytes, file_format);
        page_size_field.store(bytes, static_cast<std::uint32_t>(PageSize));
        next_number_field.store(bytes, 1);
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

    /// The number of the root that is made next, here or in the chain.
    /// Errors: errc::corrupt_page when the next number is none, or the last.
    [[nodiscard]] std::uint32_t number_to_give() const {
        std::uint32_t const number = next_number();
        if (number == 0 || number == std::numeric_limits<std::uint32_t>::max()) {
            header::corrupt("next number", this->bytes());
        }
        return number;
    }
    /// It was given. Errors: as number_to_give.
    void set_number_given()
        requires writable_page<Byte>
    {
        this->store(next_number_field, number_to_give() + 1);
    }
    using catalog_page::roots_page::add;
    /// Adds a root with the next number, which it returns; nothing when the page is full.
    /// Errors: errc::corrupt_page when the next number is none, or the last.
    /// Expects: the name has 1 to 255 bytes, and no root has it.
    [[nodiscard("nothing was added when the page is full")]] std::optional<std::uint32_t> add(
        root_kind kind, page_no root_page, std::string_view name, std::string_view schema)
        requires writable_page<Byte>
    QUIRE_CHANGES {
        std::uint32_t const number = number_to_give();
        root_entry const root{.slot = {}, .number = number, .kind = kind, .page = root_page};
        if (!this->add(root, name, schema)) { return std::nullopt; }
        set_number_given();
        return number;
    }
    QUIRE_REFUSED_ON_SHARED(set_file_id);
    QUIRE_REFUSED_ON_SHARED(set_closed);
    QUIRE_REFUSED_ON_SHARED(set_in_doubt);
    QUIRE_REFUSED_ON_SHARED(set_log);
    QUIRE_REFUSED_ON_SHARED(set_number_given);
    QUIRE_REFUSED_ON_SHARED(add);

    /// Throws errc::corrupt_page, naming what is wrong, unless the page keeps I1 and I2.
    /// Cost: O(roots * roots + bytes).
    void validate() const {
        this->validate_roots(next_number());
        if (this->own_number() != page_no{0}) { corrupt("place of a catalog page"); }
        if (next_number() == 0) { corrupt("next number"); }
        if (this->load(closed_field) > 1) { corrupt("mark of closing"); }
        if (this->load(doubt_field) > 1) { corrupt("mark of doubt"); }
        for (std::size_t at = doubt_field.end(); at < log_field.offset; ++at) {
            if (this->bytes()[at] != std::byte{0}) { corrupt("reserved field"); }
        }
    }

private:
    [[noreturn]] void corrupt(char const* what) const { header::corrupt(what, this->bytes()); }
};

static_assert(page_kind<catalog_page, 512> && page_kind<catalog_page, 32768>);

}  // namespace quire::inline QUIRE_ABI
