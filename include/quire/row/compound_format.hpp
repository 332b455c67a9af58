// SPDX-License-Identifier: BSL-1.0
#pragma once

/// compound_format: values of fixed width that are made of others (fixed_format.hpp).
///
///   value                                          bytes
///   std::array                                     its elements, one after the other
///   described struct                               its members, bases first, no padding
///   std::chrono::duration                          its count, a number of at most 8 bytes
///   std::chrono::time_point of system_clock        the count since 1970 UTC
///
/// The bytes are a value when those of all parts are. A struct is default-made, then its members
/// are assigned; members that its description leaves out keep their defaults.
///
/// The period is in the schema's text, so that seconds are not read as milliseconds. The standard
/// library chooses the number type of std::chrono::seconds and its like. When two libraries share
/// files, name the type: `duration<std::int64_t, std::milli>`.
/// Why system_clock only: a steady clock's point means nothing after a restart, and the others
/// count from epochs of their own.
///
/// Cost: the loads of the parts, at constant offsets; std::array in a loop.

#include <quire/row/described.hpp>
#include <quire/row/fixed_format.hpp>

#include <array>  // std::array

namespace quire::inline QUIRE_ABI::detail {

template <class M>
concept duration_column = unqualified<M> && duration_like<M> && number_column<typename M::rep> &&
                          requires(M const& value) {
                              { value.count() } -> std::same_as<typename M::rep>;
                          };
/// By its shape, as in owned.hpp: <chrono> is not needed here otherwise.
template <class M>
concept time_column = unqualified<M> && time_point_like<M> &&
                      duration_column<typename M::duration> && requires { M::clock::to_time_t; };

template <class... Member>
[[nodiscard]] consteval bool are_fixed(type_list<Member...>) {
    return sizeof...(Member) > 0 && (fixed_column<member_type<Member>> && ...);
}
/// Has no optional member and none of variable size: no null bits and no end offsets inside.
template <class M>
concept flat_struct = unqualified<M> && described<M> && is_described_to_its_roots<M>() &&
                      std::is_default_constructible_v<M> && are_fixed(members_of<M>{});

/// Elements: `width` bytes each.
template <fixed_column M, std::size_t N>
    requires(N > 0)
struct fixed_format<std::array<M, N>> {
private:
    using each = fixed_format<M>;

public:
    static constexpr std::size_t width = N * each::width;
    static constexpr bool is_checked = each::is_checked;
    [[nodiscard]] static bool holds(std::byte const* at) noexcept {
        bool all = true;
        for (std::size_t i = 0; i < N; ++i) { all = all && each::holds(at + i * each::width); }
        return all;
    }
    [[nodiscard]] static std::array<M, N> load(std::byte const* at) noexcept {
        std::array<M, N> out;
        for (std::size_t i = 0; i < N; ++i) { out[i] = each::load(at + i * each::width); }
        return out;
    }
    static void store(std::byte* at, std::array<M, N> const& value) noexcept {
        for (std::size_t i = 0; i < N; ++i) { each::store(at + i * each::width, value[i]); }
    }
    static constexpr void spell(text_writer& to) noexcept {
        each::spell(to);
        to.put("[");
        to.put(N);
        to.put("]");
    }
};

template <flat_struct M>
struct fixed_format<M> {
private:
    template <class Member>
    using format_of = fixed_format<member_type<Member>>;
    /// Calls `fn(descriptor, offset)` for each member.
    template <class Fn>
    static constexpr void for_each(Fn&& fn) {
        [&]<class... Member>(type_list<Member...>) {
            [[maybe_unused]] std::size_t offset = 0;
            ((fn(Member{}, offset), offset += format_of<Member>::width), ...);
        }(members_of<M>{});
    }

public:
    static constexpr std::size_t width = [] {
        std::size_t sum = 0;
        for_each([&]<class Member>(Member, std::size_t) { sum += format_of<Member>::width; });
        return sum;
    }();
    static constexpr bool is_checked = [] {
        bool any = false;
        for_each(
            [&]<class Member>(Member, std::size_t) { any = any || format_of<Member>::is_checked; });
        return any;
    }();
    [[nodiscard]] static bool holds(std::byte const* at) noexcept {
        bool all = true;
        for_each([&]<class Member>(Member, std::size_t offset) {
            all = all && format_of<Member>::holds(at + offset);
        });
        return all;
    }
    [[nodiscard]] static M load(std::byte const* at) noexcept(
        std::is_nothrow_default_constructible_v<M>) {
        M out{};
        for_each([&]<class Member>(Member, std::size_t offset) {
            out.*Member::pointer = format_of<Member>::load(at + offset);
        });
        return out;
    }
    static void store(std::byte* at, M const& value) noexcept {
        for_each([&]<class Member>(Member, std::size_t offset) {
            format_of<Member>::store(at + offset, value.*Member::pointer);
        });
    }
    static constexpr void spell(text_writer& to) noexcept {
        char const* before = "{";
        for_each([&]<class Member>(Member, std::size_t) {
            to.put(before);
            before = ",";
            to.put(Member::name);
            to.put(":");
            format_of<Member>::spell(to);
        });
        to.put("}");
    }
};

/// The period is not in the bytes.
template <duration_column M>
struct fixed_format<M> {
private:
    using count = fixed_format<typename M::rep>;

public:
    static constexpr std::size_t width = count::width;
    static constexpr bool is_checked = false;
    [[nodiscard]] static bool holds(std::byte const*) noexcept { return true; }
    [[nodiscard]] static M load(std::byte const* at) noexcept { return M{count::load(at)}; }
    static void store(std::byte* at, M value) noexcept { count::store(at, value.count()); }
    static constexpr void spell(text_writer& to) noexcept {
        to.put("duration");
        spell_unit(to);
    }
    static constexpr void spell_unit(text_writer& to) noexcept {
        to.put("<");
        count::spell(to);
        to.put(",");
        to.put(static_cast<std::uintmax_t>(M::period::num));
        to.put("/");
        to.put(static_cast<std::uintmax_t>(M::period::den));
        to.put(">");
    }
};

template <time_column M>
struct fixed_format<M> {
private:
    using since_epoch = fixed_format<typename M::duration>;

public:
    static constexpr std::size_t width = since_epoch::width;
    static constexpr bool is_checked = false;
    [[nodiscard]] static bool holds(std::byte const*) noexcept { return true; }
    [[nodiscard]] static M load(std::byte const* at) noexcept { return M{since_epoch::load(at)}; }
    static void store(std::byte* at, M value) noexcept {
        since_epoch::store(at, value.time_since_epoch());
    }
    static constexpr void spell(text_writer& to) noexcept {
        to.put("time");
        since_epoch::spell_unit(to);
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
