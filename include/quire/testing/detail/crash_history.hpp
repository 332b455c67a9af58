// SPDX-License-Identifier: BSL-1.0
#pragma once

/// crash_history: what is durable of a file, and what has happened to it since.
///
/// Every change has a time, a number that grows. A write has two: it begins when it is submitted,
/// and is complete when it is handed out. In between the disk may have written each of its sectors
/// or not, and a sync that begins does not cover it.
///
/// Invariants
///   I1. The versions of a sector that are complete are in the order of their completion.
///   I2. A sync of time t makes the last version durable that was complete at t, and drops the
///       versions that were complete then. All others may still reach the disk.
///
/// Threads: one at a time.

#include <quire/testing/crash_states.hpp>

#include <span>  // std::span

namespace quire::inline QUIRE_ABI::testing::detail {

class crash_history {
public:
    using bytes = crash_states::bytes;

    crash_history(bytes durable, std::uint64_t sector_size)
        : durable_{std::move(durable)}, sector_size_{sector_size} {
        sizes_.push_back({0, durable_.size()});
    }

    /// Each size and each content once, where it is newest.
    [[nodiscard]] crash_states states() const {
        crash_states made{durable_, sector_size_};
        auto& sizes = made.sizes_;
        for (auto const& size : sizes_) {
            // The first, which is durable, stays where it is.
            if (!sizes.empty()) {
                sizes.erase(std::remove(sizes.begin() + 1, sizes.end(), size.bytes), sizes.end());
            }
            sizes.push_back(size.bytes);
        }
        for (auto const& [sector, versions] : sectors_) {
            std::vector<bytes> contents;
            for (auto const& one : versions) {
                std::erase(contents, one.content);
                // A sector that has only ever had one content is certain.
                if (!contents.empty() || one.content != durable(sector)) {
                    contents.push_back(one.content);
                }
            }
            if (!contents.empty()) { made.sectors_.emplace(sector, std::move(contents)); }
        }
        return made;
    }

    /// A write begins. Its sectors keep the rest of what was written to them before.
    void began(std::uint64_t time, std::uint64_t offset, std::span<std::byte const> what) {
        change(offset, what.size(), [&](std::uint64_t sector, bytes content) {
            auto const at = sector * sector_size_;
            auto const from = std::max(at, offset);
            auto const to = std::min(at + sector_size_, offset + what.size());
            std::copy_n(what.data() + (from - offset), to - from, content.data() + (from - at));
            sectors_[sector].push_back({time, in_flight, std::move(content)});
        });
    }
    /// The write that began at `begin` is complete.
    void completed(std::uint64_t begin, std::uint64_t time, std::uint64_t offset,
                   std::size_t size) {
        change(offset, size, [&](std::uint64_t sector, bytes const&) {
            auto& versions = sectors_[sector];
            auto const found =
                std::find_if(versions.begin(), versions.end(),
                             [&](version const& one) { return one.begin == begin; });
            if (found == versions.end()) { return; }
            found->end = time;
            std::rotate(found, found + 1, versions.end());  // I1
        });
    }
    /// A reader now finds `now` in the sectors of `size` bytes at `offset`.
    void found(std::uint64_t time, std::uint64_t offset, std::size_t size, bytes const& now) {
        change(offset, size, [&](std::uint64_t sector, bytes const&) {
            sectors_[sector].push_back({time, time, part(now, sector)});
        });
    }
    /// New bytes are zeros, and so is the rest of their last sector.
    void resized(std::uint64_t time, std::uint64_t from, std::uint64_t to) {
        sizes_.push_back({time, to});
        change(from, to > from ? to - from : 0, [&](std::uint64_t sector, bytes content) {
            auto const at = sector * sector_size_;
            auto const first = std::max(at, from) - at;
            std::fill(content.begin() + static_cast<std::ptrdiff_t>(first), content.end(),
                      std::byte{});
            sectors_[sector].push_back({time, time, std::move(content)});
        });
    }
    /// What was complete at `time` is durable.
    void synced(std::uint64_t time) {
        auto const later = std::find_if(sizes_.begin() + 1, sizes_.end(),
                                        [&](size_type const& one) { return one.time > time; });
        sizes_.erase(sizes_.begin(), later - 1);
        durable_.resize(sizes_.front().bytes);
        auto const covered = [&](version const& one) {
            return one.end != in_flight && one.end <= time;
        };
        for (auto& [sector, versions] : sectors_) {
            for (auto const& one : versions) {
                if (covered(one)) { put_durable(sector, one.content); }
            }
            std::erase_if(versions, covered);
        }
        std::erase_if(sectors_, [](auto const& one) { return one.second.empty(); });
    }

private:
    static constexpr std::uint64_t in_flight = 0;

    struct size_type {
        std::uint64_t time;
        std::uint64_t bytes;
    };
    /// A content of a sector, when it was submitted, and when it was complete.
    struct version {
        std::uint64_t begin;
        std::uint64_t end;
        bytes content;
    };

    /// Calls `act(sector, newest content)` for each sector of `size` bytes at `offset`.
    template <class Act>
    void change(std::uint64_t offset, std::uint64_t size, Act act) {
        for (auto sector = offset / sector_size_; sector * sector_size_ < offset + size; ++sector) {
            auto const known = sectors_.find(sector);
            act(sector, known == sectors_.end() ? durable(sector) : known->second.back().content);
        }
    }
    void put_durable(std::uint64_t sector, bytes const& content) {
        auto const at = sector * sector_size_;
        if (at >= durable_.size()) { return; }
        std::copy_n(content.begin(), std::min(sector_size_, durable_.size() - at),
                    durable_.begin() + static_cast<std::ptrdiff_t>(at));
    }
    [[nodiscard]] bytes durable(std::uint64_t sector) const { return part(durable_, sector); }
    /// Sector `sector` of `all`; zeros where that has ended.
    [[nodiscard]] bytes part(bytes const& all, std::uint64_t sector) const {
        bytes content(sector_size_);
        auto const at = sector * sector_size_;
        if (at < all.size()) {
            std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(at),
                        std::min(sector_size_, all.size() - at), content.begin());
        }
        return content;
    }

    bytes durable_;
    std::uint64_t sector_size_;
    std::vector<size_type> sizes_;                           // the first is durable
    std::map<std::uint64_t, std::vector<version>> sectors_;  // by number; no list is empty
};

}  // namespace quire::inline QUIRE_ABI::testing::detail
