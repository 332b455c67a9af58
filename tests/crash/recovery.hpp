// SPDX-License-Identifier: BSL-1.0
#pragma once

/// recovery: what a pool finds in a file that a crash has left behind.
///
/// The pages are stamped (stamped.hpp). Each is found at some version, or blank, or refused by its
/// seal; `recovery` counts which, and the states it has seen. What may not be is counted as wrong:
/// a version that the judge does not allow, a page that is refused although nobody was writing it
/// or all its sectors are of one version, and whatever else opening and reading throw.

#include <quire/io/memory_backend.hpp>
#include <quire/pool/buffer_pool.hpp>

#include "pool/stamped.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace quire_test {

template <std::size_t Size>
class recovery {
public:
    std::uint64_t old_version = 0;  ///< pages that were as they had last been flushed
    std::uint64_t new_version = 0;  ///< pages that were newer
    std::uint64_t blank = 0;
    std::uint64_t refused = 0;

    /// Opens `state` as a file. `judge.size(pages)` and `judge.page(no, version)`, 0 for a blank
    /// page, say whether that may be; `judge.may_tear(no)` whether a page may be refused;
    /// `judge.flushed(no)` is the old version; `judge.hash()` the same for the same answers.
    template <class Judge>
    void recover(std::vector<std::byte> state, Judge const& judge) {
        auto const hash = std::hash<std::string_view>{}(
            {reinterpret_cast<char const*>(state.data()), state.size()});
        if (!judged_.insert(hash ^ judge.hash()).second) { return; }
        states_.push_back(hash);
        image_ = state;
        store_->assign("crashed", std::move(state));
        try {
            auto const file = pool_.open("crashed", quire::open_mode::read_only);
            if (judge.size(file.pages())) {
                for (std::uint64_t no = 0; no < file.pages(); ++no) { look(file, no, judge); }
            } else {
                must(false, "the file has " + std::to_string(file.pages()) + " pages");
            }
            file.close();
        } catch (quire::error const& e) { must(false, e.what()); }
    }

    /// How often something was that may not be, and the first.
    std::uint64_t wrong = 0;
    std::string first_wrong;

    /// How many were recovered, each under other promises or of other bytes.
    [[nodiscard]] std::uint64_t states() const { return states_.size(); }
    /// Those of other bytes.
    [[nodiscard]] std::uint64_t distinct_states() const {
        auto sorted = states_;
        std::sort(sorted.begin(), sorted.end());
        return static_cast<std::uint64_t>(
            std::unique(sorted.begin(), sorted.end()) - sorted.begin());
    }

private:
    using pool_type =
        quire::buffer_pool<Size, quire::s3_fifo, quire::hybrid_latch, quire::memory_backend>;

    void must(bool holds, std::string const& what) {
        if (!holds && ++wrong == 1) { first_wrong = what; }
    }

    template <class Judge>
    void look(typename pool_type::file const& file, std::uint64_t no, Judge const& judge) {
        auto const name = "page " + std::to_string(no);
        std::uint64_t version = 0;
        try {
            auto const page = file.read(no);
            auto const found = stamp_of(*page);
            must(found.has_value(), name + " is torn, and its seal does not see it");
            version = found.value_or(0);
        } catch (quire::error const& e) {
            if (e.kind() == quire::errc::corrupt_page) {
                must(judge.may_tear(no), name + " is torn, and was durable");
                must(!is_whole(no), name + " is whole, and refused");
                ++refused;
                return;
            }
            if (e.kind() != quire::errc::blank_page) { throw; }
        }
        must(judge.page(no, version), name + " has version " + std::to_string(version) +
                                          ", flushed was " + std::to_string(judge.flushed(no)));
        ++(version == 0 ? blank : version == judge.flushed(no) ? old_version : new_version);
    }

    /// Whether all sectors of a page are of one version that somebody wrote.
    [[nodiscard]] bool is_whole(std::uint64_t no) const {
        auto const page = std::span{image_}.subspan(no * Size, Size);
        auto const stamp_at = [&](std::size_t at) {
            std::uint64_t version = 0;
            std::memcpy(&version, page.data() + at + 16, sizeof version);
            return version;
        };
        bool same = stamp_at(0) != 0;
        for (std::size_t at = 0; at < Size; at += sector) {
            same = same && stamp_at(at) == stamp_at(0);
        }
        return same;
    }

    std::shared_ptr<quire::memory_store> store_ = std::make_shared<quire::memory_store>();
    pool_type pool_{{.frames = 2, .files_max = 1, .file_pages_max = 256, .backend = {store_}}};
    std::vector<std::byte> image_;
    std::unordered_set<std::size_t> judged_;  // state and promises
    std::vector<std::size_t> states_;
};

}  // namespace quire_test
