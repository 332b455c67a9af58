// SPDX-License-Identifier: BSL-1.0
#pragma once

/// file_ref: which file of which pool: what a file handle holds, and all that a guard needs of it.

#include <quire/pool/detail/pool_core.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <class Core>
class file_ref {
public:
    using file_type = typename Core::file_type;

    /// The file that is open in `slot` now.
    file_ref(Core& core, file_type& slot) noexcept
        : core_{&core},
          slot_{&slot},
          first_{slot.number, 0},
          generation_{slot.generation.load(std::memory_order_acquire)} {}

    /// Whether the file has not been closed yet.
    [[nodiscard]] bool is_open() const noexcept {
        return slot_->generation.load(std::memory_order_acquire) == generation_;
    }
    /// The file's number in its pool's page ids.
    [[nodiscard]] file_no number() const noexcept { return first_.file(); }
    [[nodiscard]] page_id id_of(page_no no) const noexcept {
        return page_id::from_bits(first_.bits() | no.value());
    }

    [[nodiscard]] Core& core() const noexcept { return *core_; }
    /// Expects: the file is open.
    [[nodiscard]] file_type& slot() const noexcept {
        QUIRE_EXPECTS(is_open(), "a file handle is not used after close");
        return *slot_;
    }
    /// On the path of a hit, where a page's id shows what `slot()` checks.
    [[nodiscard]] file_type& slot_open_or_not() const noexcept {
        QUIRE_CHECK(is_open(), "a file handle is not used after close");
        return *slot_;
    }

private:
    Core* core_;
    file_type* slot_;
    page_id first_;
    std::uint32_t generation_;
};

}  // namespace quire::inline QUIRE_ABI::detail
