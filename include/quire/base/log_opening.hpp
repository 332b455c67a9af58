// SPDX-License-Identifier: BSL-1.0
#pragma once

/// log_opening: which log somebody has open, and how old it was then.
///
/// What needs a log keeps the one that it has, where the log cannot lose it. Whether a log that is
/// found later is that one, and no older copy of it, `continues` tells: a record was made durable
/// in each opening, so that a copy from before it ends earlier. A copy from a later moment of the
/// same opening passes.

#include <quire/base/attributes.hpp>

#include <cstdint>  // std::uint64_t

namespace quire::inline QUIRE_ABI {

struct log_opening {
    std::uint64_t log = 0;      ///< random, made with the log's file; 0: no log
    std::uint64_t opening = 0;  ///< random, of this time that it is open
    std::uint64_t found = 0;    ///< the LSN of the last record that it had then

    /// Whether this log has what it had in `earlier`.
    [[nodiscard]] constexpr bool continues(log_opening const& earlier) const noexcept {
        return log == earlier.log && (opening == earlier.opening || found > earlier.found);
    }
    friend bool operator==(log_opening const&, log_opening const&) = default;
};

}  // namespace quire::inline QUIRE_ABI
