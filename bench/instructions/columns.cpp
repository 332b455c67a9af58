// SPDX-License-Identifier: BSL-1.0

/// Columns of rows, each way of reading in a function of its own, for bench/instructions/run.

#include <quire/page/heap_page.hpp>
#include <quire/row/codec.hpp>

#include <array>
#include <cstdio>

namespace {

struct user {
    std::int64_t id;
    std::string name;
    std::optional<std::string> note;
    bool active;
};
BOOST_DESCRIBE_STRUCT(user, (), (id, name, note, active))

constexpr std::size_t page_size = 4096;
using shared_page = quire::heap_page<std::byte const, page_size>;

}  // namespace

[[gnu::noipa]] std::uint64_t walk_ids(shared_page const& page) {
    std::uint64_t sum = 0;
    for (auto row : page.rows<user>()) { sum += static_cast<std::uint64_t>(row.get<&user::id>()); }
    return sum;
}
[[gnu::noipa]] std::uint64_t walk_flags(shared_page const& page) {
    std::uint64_t sum = 0;
    for (auto row : page.rows<user>()) { sum += row.get<&user::active>() ? 1 : 0; }
    return sum;
}
[[gnu::noipa]] std::uint64_t walk_names(shared_page const& page) {
    std::uint64_t sum = 0;
    for (auto row : page.rows<user>()) { sum += row.get<&user::name>().size(); }
    return sum;
}
[[gnu::noipa]] std::uint64_t walk_equal(shared_page const& page) {
    std::uint64_t sum = 0;
    for (auto row : page.rows<user>()) { sum += row.get<&user::name>() == "user 17" ? 1 : 0; }
    return sum;
}
[[gnu::noipa]] std::uint64_t walk_notes(shared_page const& page) {
    std::uint64_t sum = 0;
    for (auto row : page.rows<user>()) {
        if (auto const note = row.get<&user::note>()) { sum += note->size(); }
    }
    return sum;
}
[[gnu::noipa]] std::uint64_t walk_all(shared_page const& page) {
    std::uint64_t sum = 0;
    for (auto const& [id, name, note, active] : page.rows<user>()) {
        sum += static_cast<std::uint64_t>(id) + name.size() + (note ? note->size() : 0) + active;
    }
    return sum;
}
[[gnu::noipa]] std::uint64_t find_names(shared_page const& page) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < page.slot_count(); ++i) {
        auto const row = page.row<user>(quire::slot_id{i});
        sum += row.get<&user::name>().size();
    }
    return sum;
}

int main() {
    alignas(64) static std::array<std::byte, page_size> bytes;
    std::span<std::byte, page_size> const all{bytes};
    quire::heap_page<std::byte, page_size>::format(all, 7);
    quire::heap_page<std::byte, page_size> page{all};
    for (int i = 0; i < 50; ++i) {
        std::optional<std::string> note;
        if (i % 2 == 0) { note = std::string(static_cast<std::size_t>(i) % 7, 'n'); }
        page.insert(user{i, "user " + std::to_string(i), note, i % 3 == 0}).value();
    }
    shared_page const shared{all};
    std::uint64_t sum = 0;
    for (int i = 0; i < 20; ++i) {
        sum += walk_ids(shared) + walk_flags(shared) + walk_names(shared) + walk_equal(shared) +
               walk_notes(shared) + walk_all(shared) + find_names(shared);
    }
    std::printf("%llu\n", static_cast<unsigned long long>(sum));
}
