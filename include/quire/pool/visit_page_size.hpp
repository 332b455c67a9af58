// SPDX-License-Identifier: BSL-1.0
#pragma once

/// visit_page_size: from a page size that only the file knows to one that the compiler knows.
///
///     auto const sum = quire::visit_page_size(header.page_size, [&](auto size) {
///         quire::buffer_pool<size> pool{{.frames = 1024}};
///         ...
///         return sum_of(pool, path);
///     });
///     quire::visit_page_size<4096, 8192>(n, fn);      // these only
///
/// For readers of other programs' files. `fn` is compiled once for each size: name those that the
/// format has, and keep what does not depend on the size out of `fn`. A pool, a stream and what is
/// done with pages take 3 s a size (examples/sqlite_reader.cpp: 33 s for eight, 11 s for one; g++
/// 12 at -O2).

#include <quire/base/error.hpp>
#include <quire/borrow/page_kind.hpp>

#include <string>       // std::to_string
#include <type_traits>  // std::integral_constant

namespace quire::inline QUIRE_ABI {

namespace detail {

template <std::size_t First, std::size_t... Others, class Fn>
decltype(auto) visit_first_page_size(std::size_t bytes, Fn& fn) {
    static_assert(pool_page_size<First>, "a page has a power of two of bytes, 512 to 1 MiB");
    if (bytes == First) { return fn(std::integral_constant<std::size_t, First>{}); }
    if constexpr (sizeof...(Others) > 0) {
        return visit_first_page_size<Others...>(bytes, fn);
    } else {
        throw error{errc::bad_option, "choose a page size",
                    {.why = std::to_string(bytes) + " bytes are none that is read here"}};
    }
}

}  // namespace detail

/// `fn(std::integral_constant<std::size_t, bytes>)`, and what it returns: one type for all sizes.
/// Without `Sizes` those are the powers of two from 512 to 65,536.
/// Errors: bad_option when `bytes` is none of the sizes, and those of `fn`.
template <std::size_t... Sizes, class Fn>
decltype(auto) visit_page_size(std::size_t bytes, Fn&& fn) {
    if constexpr (sizeof...(Sizes) > 0) {
        return detail::visit_first_page_size<Sizes...>(bytes, fn);
    } else {
        return detail::visit_first_page_size<512, 1024, 2048, 4096, 8192, 16'384, 32'768, 65'536>(
            bytes, fn);
    }
}

}  // namespace quire::inline QUIRE_ABI
