// SPDX-License-Identifier: BSL-1.0
#pragma once

/// overflow_place: what a leaf has of a value that is in overflow pages (overflow_chain.hpp): its
/// size, 4 bytes; its CRC-32C, 4 bytes; and the number of its first page, 6 bytes.

#include <quire/base/page_id.hpp>
#include <quire/table/detail/key_order.hpp>

#include <limits>    // std::numeric_limits
#include <optional>  // std::optional

namespace quire::inline QUIRE_ABI::detail {

struct overflow_place {
    static constexpr std::size_t stored_size = 14;
    static constexpr std::size_t value_size_max = std::numeric_limits<std::uint32_t>::max();

    std::size_t size = 0;  ///< of the value, in bytes
    std::uint32_t checksum = 0;
    page_no first;

    friend bool operator==(overflow_place const&, overflow_place const&) = default;

    /// Nothing when the bytes are none that `store` writes.
    [[nodiscard]] static std::optional<overflow_place> load(key_bytes bytes) noexcept {
        if (bytes.size() != stored_size) { return std::nullopt; }
        auto const* const at = bytes.data();
        overflow_place const found{load_le<std::uint32_t>(at), load_le<std::uint32_t>(at + 4),
                                   load_le<std::uint32_t>(at + 8) |
                                       std::uint64_t{load_le<std::uint16_t>(at + 12)} << 32};
        if (found.size == 0 || found.first.value() == 0) { return std::nullopt; }
        return found;
    }
    /// Expects: stored_size bytes.
    void store(std::span<std::byte> out) const noexcept {
        store_le(out.data(), static_cast<std::uint32_t>(size));
        store_le(out.data() + 4, checksum);
        store_le(out.data() + 8, static_cast<std::uint32_t>(first.value()));
        store_le(out.data() + 12, static_cast<std::uint16_t>(first.value() >> 32));
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
