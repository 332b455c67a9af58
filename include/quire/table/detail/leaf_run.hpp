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

    /// Ends the run; where a descent then lists leaves, as many as it is to list. A list is not
    /// returned and copied: that took a seventh of a scan of 100 small entries.
    [[nodiscard]] std::span<page_no> room() noexcept {
        end();
        return std::span{leaves_}.first(ahead_ < 4 ? 4 : length_max);
    }
    /// The descent has listed so many.
    void begin(std::size_t count) noexcept { count_ = count; }
    void end() noexcept { count_ = next_ = asked_ = 0; }

    /// The leaf behind the last one; nothing when a descent must find it.
    [[nodiscard]] std::optional<page_no> next() noexcept {
        ahead_ = ahead_ < length_max / 2 ? 2 * ahead_ + 1 : length_max;
        if (next_ == count_) { return std::nullopt; }
        return leaves_[next_++];
    }
    /// Leaves behind that one, to be read now: each once.
    [[nodiscard]] std::span<page_no const> to_read() noexcept {
        if (asked_ < next_) { asked_ = next_; }
        auto const end = next_ + ahead_ < count_ ? next_ + ahead_ : count_;
        if (end <= asked_ || (end < count_ && end - asked_ < ahead_ / 2)) { return {}; }
        std::span<page_no const> const found{leaves_.data() + asked_, end - asked_};
        asked_ = end;
        return found;
    }

private:
    std::array<page_no, length_max> leaves_;
    std::size_t count_ = 0;
    std::size_t next_ = 0;
    std::size_t asked_ = 0;  ///< read ahead already, of the list
    std::size_t ahead_ = 0;  ///< how many
};

}  // namespace quire::inline QUIRE_ABI::detail
