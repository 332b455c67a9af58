// SPDX-License-Identifier: BSL-1.0
#pragma once

/// immovable: the base of a type whose objects stay where they were made.
///
/// A guard, a view, a range of views: each is made in place (guaranteed elision) and has no copy
/// and no move, so it cannot get into a container, a capture or an outer variable.

#include <quire/base/attributes.hpp>

namespace quire::inline QUIRE_ABI {

struct immovable {
    immovable() = default;
    immovable(immovable const&)
        QUIRE_REFUSED("what borrows or holds a page stays where it was made");
    immovable& operator=(immovable const&)
        QUIRE_REFUSED("what borrows or holds a page stays where it was made");
    ~immovable() = default;
};

}  // namespace quire::inline QUIRE_ABI
