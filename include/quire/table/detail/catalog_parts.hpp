// SPDX-License-Identifier: BSL-1.0
#pragma once

/// catalog_parts: what a catalog remembers of the roots of its file in memory: a part for each root
/// that was used, whoever uses it, to the end of the catalog.
///
/// A part is made for a catalog and a root_entry, and is told `before_close()`. All of one catalog
/// are of one type for roots of one kind.
///
/// Threads: any number call `of`; where two make a part at once, one of the two remains.

#include <quire/base/immovable.hpp>
#include <quire/table/detail/roots_page.hpp>

#include <map>      // std::map
#include <memory>   // std::shared_ptr
#include <mutex>    // std::mutex
#include <utility>  // std::pair

namespace quire::inline QUIRE_ABI::detail {

class catalog_parts : immovable {
public:
    /// The part of root `where`. Errors: those of its making.
    template <class Part, class Store>
    [[nodiscard]] Part& of(Store& store, root_entry const& where) {
        auto const key = std::pair{where.page, where.number};
        if (auto* const found = find(key)) { return *static_cast<Part*>(found); }
        kept made{std::make_shared<Part>(store, where),
                  [](void* part) { static_cast<Part*>(part)->before_close(); }};
        std::lock_guard const alone{mutex_};
        auto const remains = parts_.try_emplace(key, std::move(made)).first;
        return *static_cast<Part*>(remains->second.part.get());
    }
    /// Expects: no thread makes a part. Errors: those of the parts.
    void before_close() const {
        for (auto const& [key, one] : parts_) { one.before_close(one.part.get()); }
    }

private:
    /// A damaged file may have a number, or a page, twice.
    using key_type = std::pair<page_no, std::uint32_t>;
    struct kept {
        std::shared_ptr<void> part;
        void (*before_close)(void* part);
    };

    [[nodiscard]] void* find(key_type const& key) const {
        std::lock_guard const alone{mutex_};
        auto const found = parts_.find(key);
        return found == parts_.end() ? nullptr : found->second.part.get();
    }

    std::mutex mutable mutex_;
    std::map<key_type, kept> parts_;
};

}  // namespace quire::inline QUIRE_ABI::detail
