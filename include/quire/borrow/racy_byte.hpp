// SPDX-License-Identifier: BSL-1.0
#pragma once

/// racy_byte: a byte of a page that other threads may change while it is read.
///
/// A value read without a latch may be torn, and the next load may give another value. So a view
/// over racy bytes loads each field exactly once, into a local; checks that local, and uses that
/// local. It trusts nothing else in the page, and writes nothing. Whether the page was unchanged
/// during the read is checked afterwards (paged_file::optimistic_read).
///
/// A page kind can be read this way when `View<racy_byte const, PageSize>` can be made from a span
/// of racy bytes and has an `accepts` for such a span (shared_span). A view that uses load_le and
/// byte_view only needs no second version of its code. Any other kind is refused with a message.
///
/// The loads are volatile: one access each, which the compiler neither repeats nor leaves out. By
/// the standard they are still a data race, as such reads are in every system that has them; so
/// builds with a sanitizer never read without the latch.

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

/// The bytes that a view may be made over.
template <class B>
concept viewed_byte = page_byte<B> || racy_page<B>;

/// The parameter of `accepts` in a page view over `Byte`.
template <viewed_byte Byte, std::size_t PageSize>
using shared_span =
    std::span<std::conditional_t<racy_page<Byte>, racy_byte const, std::byte const>, PageSize>;

namespace detail {

/// The number stored at `at`, by one load.
template <std::endian Order, page_number T>
[[nodiscard]] inline T load(racy_byte const* at) noexcept {
    static_assert(sizeof(T) <= 8, "a page number has at most 8 bytes: long double has no format");
    struct [[gnu::packed, gnu::may_alias]] unaligned {
        uint_of_size<sizeof(T)> raw;
    };
    auto const raw = reinterpret_cast<unaligned const volatile*>(at)->raw;
    return std::bit_cast<T>(in_order<Order>(raw));
}

}  // namespace detail

/// The number stored at `at`, lowest byte first, by one load.
template <page_number T>
[[nodiscard]] inline T load_le(racy_byte const* at) noexcept {
    return detail::load<std::endian::little, T>(at);
}
/// The number stored at `at`, highest byte first, by one load.
template <page_number T>
[[nodiscard]] inline T load_be(racy_byte const* at) noexcept {
    return detail::load<std::endian::big, T>(at);
}

/// `bytes` as racy bytes, for reading without a latch.
template <std::size_t Size>
[[nodiscard]] std::span<racy_byte const, Size> as_racy(
    std::span<std::byte const, Size> bytes) noexcept {
    return std::span<racy_byte const, Size>{
        reinterpret_cast<racy_byte const*>(bytes.data()), bytes.size()};
}

}  // namespace quire::inline QUIRE_ABI
