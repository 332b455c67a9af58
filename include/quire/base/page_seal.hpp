// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_seal: how the pages of a file are sealed and checked; chosen when the file is opened.
///
/// The pool calls `check` on every page it has read, before any caller sees it, and `seal` on every
/// page it is about to write. It knows nothing else about the content. quire has two seals:
/// `crc_seal`, the default, and `no_seal` for files of other formats; your own is two functions,
/// and a value of the file if they need one.
///
/// The value, `file_value`, is handed to both functions with every page. It is for formats in which
/// a page's seal depends on the file, and cannot be computed from the page and its number alone.
/// PostgreSQL numbers the pages of a relation through all its segment files, and that number is
/// part of a page's checksum: the value is the number of the segment's first page. The value is
/// given with the seal when the file is opened. quire stores it nowhere: with a wrong value every
/// page that was sealed with another one is corrupt.
///
/// Byte map of a sealed page (little-endian):
///
///     0   4   CRC-32C of bytes 4 to the end
///     4   8   the page's own number: a page read from the wrong place does not pass
///    12  ..   free for the page's format
///
/// The number is next to the checksum on purpose. A CRC in front of its data can miss a burst of
/// errors across the checksum's end; such a burst changes the number, and the number is compared.
///
/// Invariants of every seal, a user's own included
///   I1. After `seal(bytes, id, value)`, `check(bytes, id, value)` is `good`.
///   I2. Both are noexcept, keep no state, and have defined behaviour for every content. Their
///       result follows from their arguments alone, and a file's value stays as long as it is open.
/// and of one that seals
///   I3. A page of zeros is `blank`, not corrupt: the file was grown, the page never written. The
///       pool relies on `check` alone, so with a seal that never returns `blank` no page is blank:
///       under no_seal a page of zeros is good, and its page kind decides whether it accepts it.
/// and of crc_seal, which does not use the value
///   I4. After any change of up to three bits or of up to 32 neighbouring ones a sealed page is
///       `corrupt` or `blank`. A larger change passes once in 2^32.
///
/// Threads: both are called from any thread; `seal` runs under the page's exclusive latch.
/// Under the address sanitizer frames without a guard are poisoned. The pool calls both functions
/// while the frame is not poisoned, so a user's own seal needs no attribute.

#include <quire/base/byte_order.hpp>
#include <quire/base/detail/crc32c.hpp>
#include <quire/base/page_id.hpp>

#include <span>  // std::span

namespace quire::inline QUIRE_ABI {

/// The result of a seal's `check`.
enum class page_state : std::uint8_t { good, blank, corrupt };

/// Two functions that judge and seal a page, and the value of the file that both are called with.
/// Trivially copyable; both functions are required.
struct page_seal {
    page_state (*check)(std::span<std::byte const> bytes, page_id id, std::uint64_t value) noexcept;
    void (*seal)(std::span<std::byte> bytes, page_id id, std::uint64_t value) noexcept;
    std::uint64_t file_value = 0;
};

namespace detail {

[[nodiscard]] inline bool all_zero(std::span<std::byte const> bytes) noexcept {
    for (std::byte const b : bytes) {
        if (b != std::byte{0}) { return false; }
    }
    return true;
}

inline page_state crc_check(std::span<std::byte const> bytes, page_id id,
                            std::uint64_t) noexcept {
    if (load_le<std::uint32_t>(bytes.data()) == crc32c(bytes.subspan(4)) &&
        load_le<std::uint64_t>(bytes.data() + 4) == id.page().value()) {
        return page_state::good;
    }
    return all_zero(bytes) ? page_state::blank : page_state::corrupt;
}

inline void crc_write(std::span<std::byte> bytes, page_id id, std::uint64_t) noexcept {
    store_le<std::uint64_t>(bytes.data() + 4, id.page().value());
    store_le<std::uint32_t>(bytes.data(), crc32c(bytes.subspan(4)));
}

inline page_state check_nothing(std::span<std::byte const>, page_id, std::uint64_t) noexcept {
    return page_state::good;
}
inline void seal_nothing(std::span<std::byte>, page_id, std::uint64_t) noexcept {}

}  // namespace detail

/// Checksum and own page number. The first `crc_seal_bytes` belong to the seal, which overwrites
/// them.
inline constexpr page_seal crc_seal{detail::crc_check, detail::crc_write};
/// Bytes at a page's beginning that crc_seal takes. A page kind for files with crc_seal has its own
/// fields behind them, and says so by its first_field_at (borrow/page_kind.hpp).
inline constexpr std::size_t crc_seal_bytes = 12;

/// Every page is good, and is written as it is.
inline constexpr page_seal no_seal{detail::check_nothing, detail::seal_nothing};

}  // namespace quire::inline QUIRE_ABI
