// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_buffer: the bytes of one page for tests of page views.
///
/// They are an allocation of exactly the page's size, so that the address sanitizer sees every
/// access beside them.

#include <quire/page/heap_page.hpp>

#include <cstddef>      // std::byte
#include <span>         // std::span
#include <stdexcept>    // std::logic_error
#include <string>       // std::string
#include <string_view>  // std::string_view
#include <vector>       // std::vector

namespace quire_test {

template <std::size_t N>
class page_buffer {
public:
    page_buffer() : bytes_(N) {}

    [[nodiscard]] std::span<std::byte, N> span() {
        return std::span<std::byte, N>{bytes_.data(), N};
    }
    [[nodiscard]] std::span<std::byte const, N> span() const {
        return std::span<std::byte const, N>{bytes_.data(), N};
    }
    [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }
    [[nodiscard]] std::vector<std::byte> const& bytes() const { return bytes_; }

private:
    std::vector<std::byte> bytes_;
};

/// A page_buffer with an empty heap page in it.
template <std::size_t N>
[[nodiscard]] page_buffer<N> make_heap_page(quire::page_no no = 7) {
    page_buffer<N> buffer;
    quire::heap_page<std::byte, N>::format(buffer.span(), no);
    return buffer;
}

[[nodiscard]] inline std::span<std::byte const> bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text});
}
[[nodiscard]] inline std::string text_of(std::span<std::byte const> bytes) {
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

/// The text of the tuple in a slot.
template <class Page>
[[nodiscard]] std::string text_in(Page const& page, quire::slot_id slot) {
    auto const tuple = page.tuple(slot);
    return text_of(tuple.unguarded_span());
}

/// The bytes of the tuple in a slot, when the borrow of it has ended: what outlives that is the
/// test's own risk.
template <class Page>
[[nodiscard]] std::span<std::byte const> bytes_in(Page const& page, quire::slot_id slot) {
    auto const tuple = page.tuple(slot);
    auto const size = tuple.size();
    std::byte const* first = nullptr;
    if (size > 0) { first = &tuple.unguarded_span()[0]; }
    return {first, size};
}

/// The code of the error that `fn` throws; fails the test when it throws none.
template <class Fn>
[[nodiscard]] quire::errc errc_of(Fn&& fn) {
    try {
        fn();
    } catch (quire::error const& e) { return e.kind(); }
    throw std::logic_error{"no error was thrown"};
}

}  // namespace quire_test

using quire_test::bytes_of;
using quire_test::bytes_in;
using quire_test::errc_of;
using quire_test::make_heap_page;
using quire_test::page_buffer;
using quire_test::text_in;
using quire_test::text_of;
