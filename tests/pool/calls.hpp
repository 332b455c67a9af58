// SPDX-License-Identifier: BSL-1.0
#pragma once

/// calls: what tests of the pool do over and over: pages that carry a number, and refusals.

#include <quire/base/error.hpp>
#include <quire/pool/options.hpp>

#include <optional>
#include <stdexcept>

namespace quire_test {

inline constexpr std::size_t number_at = 64;  // where a page carries its number

/// The number on page `no`.
template <class File>
std::uint64_t number_on(File const& file, std::uint64_t no, quire::access_options const& how = {}) {
    auto page = file.read(no, how);
    return page->bytes().template load<std::uint64_t>(number_at);
}

template <class File>
void write_number(File const& file, std::uint64_t no, std::uint64_t value,
                  quire::access_options const& how = {}) {
    auto page = file.write(no, how);
    page->bytes().template store<std::uint64_t>(number_at, value);
}

/// Appends `count` pages; each carries its page number plus `base`.
template <class File>
void append_numbers(File const& file, std::uint64_t count, std::uint64_t base = 0) {
    for (std::uint64_t i = 0; i < count; ++i) {
        auto page = file.append();
        auto const no = page.id().page().value();
        page->bytes().template store<std::uint64_t>(number_at, base + no);
    }
}

/// The error that `call` ends with.
template <class Call>
quire::error error_of(Call call) {
    try {
        call();
    } catch (quire::error const& e) {
        return e;
    }
    throw std::logic_error{"nothing was thrown"};
}

/// The code of the error that `call` ends with; nothing when it does not.
template <class Call>
std::optional<quire::errc> refusal(Call call) {
    try {
        call();
    } catch (quire::error const& e) {
        return e.kind();
    }
    return std::nullopt;
}

}  // namespace quire_test
