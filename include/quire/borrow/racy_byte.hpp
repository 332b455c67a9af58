// SPDX-License-Identifier: BSL-1.0
#pragma once

/// racy_byte: a byte of a page that others may change while it is read.
///
/// What is read without a latch may be torn, and another thread may have changed it by the next
/// look. So a view over racy bytes loads each field exactly once, into a local; checks that local,
/// and uses that local. Nothing else of the page is believed, and nothing is written. Whether what
/// was read was ever true is found out afterwards (paged_file::optimistic_read).
///
/// A page kind can be read so when `View<racy_byte const, PageSize>` can be made of a span of them
/// and has an `accepts` for such a span (shared_span): with load_le and byte_view alone its code is
/// the same for both. Other kinds are told so by a sentence.
///
/// The loads are volatile: one access each, which the compiler neither repeats nor leaves out. To
/// the standard they are a data race all the same, as such reads are in every system that has
/// them; so builds with a sanitizer never read without the latch.

#include <quire/base/byte_order.hpp>

#include <span>  // std::span

namespace quire::inline QUIRE_ABI {

class racy_byte {
public:
    /// The byte as it is at this moment.
    [[nodiscard]] std::byte load() const noexcept {
        return *static_cast<std::byte const volatile*>(&value_);
    }

private:
    std::byte value_;
};
static_assert(sizeof(racy_byte) == 1 && alignof(racy_byte) == 1);

/// Bytes that are read without a latch.
template <class B>
concept racy_page = std::same_as<B, racy_byte const>;

/// What a view may be made over.
template <class B>
concept viewed_byte = page_byte<B> || racy_page<B>;

/// What `accepts` of a page view over `Byte` takes.
template <viewed_byte Byte, std::size_t PageSize>
using shared_span =
    std::span<std::conditional_t<racy_page<Byte>, racy_byte const, std::byte const>, PageSize>;

/// The number that stands at `at`, by one load.
template <page_number T>
[[nodiscard]] inline T load_le(racy_byte const* at) noexcept {
    static_assert(sizeof(T) <= 8, "a page number has at most 8 bytes: long double has no format");
    struct [[gnu::packed, gnu::may_alias]] unaligned {
        detail::uint_of_size<sizeof(T)> raw;
    };
    auto const raw = reinterpret_cast<unaligned const volatile*>(at)->raw;
    return std::bit_cast<T>(detail::to_little(raw));
}

/// The same bytes, for reading without a latch.
template <std::size_t Size>
[[nodiscard]] std::span<racy_byte const, Size> as_racy(
    std::span<std::byte const, Size> bytes) noexcept {
    return std::span<racy_byte const, Size>{
        reinterpret_cast<racy_byte const*>(bytes.data()), bytes.size()};
}

}  // namespace quire::inline QUIRE_ABI
