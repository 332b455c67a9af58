// SPDX-License-Identifier: BSL-1.0
#pragma once

/// outside_of_changes: stands where code that reads pages takes a change, and there is none: each
/// page is then read under a guard of its own, or without its latch.

#include <quire/base/attributes.hpp>

namespace quire::inline QUIRE_ABI::detail {

struct outside_of_changes {};

/// What a cursor remembers of that: its change, or nothing.
template <class Pages>
class pages_of_cursor {
public:
    explicit pages_of_cursor(Pages& pages) noexcept : pages_{&pages} {}
    [[nodiscard]] Pages& operator()() const noexcept { return *pages_; }

private:
    Pages* pages_;
};
template <>
class pages_of_cursor<outside_of_changes> {
public:
    explicit pages_of_cursor(outside_of_changes&) noexcept {}
    [[nodiscard]] outside_of_changes operator()() const noexcept { return {}; }
};

}  // namespace quire::inline QUIRE_ABI::detail
