// SPDX-License-Identifier: BSL-1.0
#pragma once

/// leaf_run: the leaves behind one in its parent, for a walk that goes on to them.
///
/// A descent that leads a walk to a leaf lists those that come next. The walk then latches the next
/// one without another descent, and reads ahead some of those behind it. The list is a hint: others
/// split and merge meanwhile. A leaf that does not say it is the right one (I5 of btree_page.hpp)
/// ends the run, and the walk goes down again.
///
/// How far ahead: nothing at the first leaf, since most walks end there or at the second; one at
/// the second, and from there twice as many with each leaf, up to length_max. A run ends with its
/// parent: the first leaf of the next one is waited for.

#include <quire/base/page_id.hpp>

#include <array>     // std::array
#include <optional>  // std::optional
#include <span>      // std::span

namespace quire::inline QUIRE_ABI::detail {

class leaf_run {
public:
    static constexpr std::size_t length_max = 32;
    struct list {
        std::array<page_no, length_max> pages;
        std::size_t count = 0;
    };

    /// How many a descent is to list.
    [[nodiscard]] std::size_t wanted() const noexcept { return ahead_ < 4 ? 4 : length_max; }
    /// What a descent has listed.
    void begin(list const& leaves) noexcept {
        leaves_ = leaves;
        next_ = asked_ = 0;
    }
    void end() noexcept { leaves_.count = next_ = asked_ = 0; }

    /// The leaf behind the last one; nothing when a descent must find it.
    [[nodiscard]] std::optional<page_no> next() noexcept {
        ahead_ = ahead_ < length_max / 2 ? 2 * ahead_ + 1 : length_max;
        if (next_ == leaves_.count) { return std::nullopt; }
        return leaves_.pages[next_++];
    }
    /// Leaves behind that one, to be read now: each once.
    [[nodiscard]] std::span<page_no const> to_read() noexcept {
        if (asked_ < next_) { asked_ = next_; }
        auto const end = next_ + ahead_ < leaves_.count ? next_ + ahead_ : leaves_.count;
        if (end <= asked_ || (end < leaves_.count && end - asked_ < ahead_ / 2)) { return {}; }
        std::span<page_no const> const found{leaves_.pages.data() + asked_, end - asked_};
        asked_ = end;
        return found;
    }

private:
    list leaves_;
    std::size_t next_ = 0;
    std::size_t asked_ = 0;  ///< read ahead already, of the list
    std::size_t ahead_ = 0;  ///< how many
};

}  // namespace quire::inline QUIRE_ABI::detail
