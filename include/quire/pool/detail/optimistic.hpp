// SPDX-License-Identifier: BSL-1.0
#pragma once

/// optimistic: looks into a page without taking its latch.
///
///     version of the latch            (acquire)
///     page == id                      (acquire)
///     fn(view over racy bytes)        what it sees may be torn
///     version again, no writer in     (a fence before it)
///
/// Equal versions, and no writer in the end: no thread had the page exclusively in between or at
/// the beginning, since leaving moves the version. So what `fn` saw was the page. That holds for
/// eviction, too: it takes the latch exclusively, `page` becomes none under it, and the bytes
/// change only after the version has moved. So a frame that lost its page and has it again is
/// noticed.
///
/// Nothing is stored, except by the policy's touch while that has something to store; hits are not
/// counted. After three failed attempts, and when the page is not resident or of another kind, the
/// caller takes the latch.

#include <quire/borrow/page_kind.hpp>
#include <quire/pool/detail/pool_core.hpp>

#include <type_traits>  // std::invoke_result_t

namespace quire::inline QUIRE_ABI::detail {

#if defined(QUIRE_ASAN) || defined(QUIRE_TSAN)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

/// Whether pages under `Latch` are read without it. A sanitizer would report each such read: poison
/// or a race.
template <class Latch>
inline constexpr bool reads_optimistically = versioned<Latch> && !sanitized;

/// One attempt: what `fn` found in page `id`, number `no`, or nothing. What it throws counts only
/// if what it saw was true.
template <template <class, std::size_t> class View, class Core, class Fn>
[[nodiscard, gnu::always_inline]] inline auto try_optimistic(  // as hot as a hit
    Core& core, typename Core::file_type& file, page_id id, page_no no, Fn& fn) {
    using view_type = View<racy_byte const, Core::page_size>;
    using found_type = std::optional<std::invoke_result_t<Fn&, view_type const&>>;
    auto const entry = core.resident.entry_of(file, no);
    if (!entry.is_frame()) [[unlikely]] { return found_type{}; }
    auto const at = core.frames.at(entry.frame());
    auto const& latch = at.header->latch;
    auto const seen = latch.version();
    if (!at.header->holds(id)) [[unlikely]] { return found_type{}; }
    std::span<std::byte const, Core::page_size> const bytes = core.frames.bytes(at);
    if (!accepted_by<view_type>(as_racy(bytes), no)) [[unlikely]] { return found_type{}; }
    try {
        view_type const view(view_of<view_type>(as_racy(bytes), no));
        found_type found{fn(view)};
        if (latch.unchanged_since(seen)) [[likely]] {
            core.resident.touch(at);
            return found;
        }
    } catch (...) {
        if (latch.unchanged_since(seen)) { throw; }
    }
    return found_type{};
}

}  // namespace quire::inline QUIRE_ABI::detail
