// SPDX-License-Identifier: BSL-1.0

/// later_lines: a mistake with a temporary in a function template, and correct lines behind it. g++
/// checks no constraints of members after the first error in a template, so that two overloads that
/// exclude each other look alike to it.

#include "tests/compile_fail/corpus.hpp"

using quire::raw_page;

template <class Pool>
std::uint64_t in_a_template(Pool& pool) {
    auto const file = pool.open("f", quire::open_mode::open_or_create);
    std::uint64_t sum = file.template read<heap_page>(1)->slot_count();  // the mistake

    auto const page = file.template read<heap_page>(1);
    auto const tuple = page->tuple(slot_id{0});
    auto const row = page->template row<user>(slot_id{0});
    auto const name = row.template get<&user::name>();
    user const loaded = row.load();
    sum += tuple.size() + name.size() + loaded.name.size() + page->lsn();
    sum += row.template get<&user::balance>().has_value() || page->contains(slot_id{3}) ? 1U : 2U;
    for (auto each : page->template rows<user>()) { sum += each.slot().value(); }
    for (auto const slot : page->slots()) { sum += slot.value(); }

    auto const raw = file.template read<raw_page>(2);
    auto const bytes = raw->bytes();
    auto raw_writer = file.template write<raw_page>(3);
    auto const mutable_bytes = raw_writer->bytes();
    mutable_bytes.template store<std::uint64_t>(64, 1);
    sum += bytes.template load<std::uint64_t>(64) + bytes.size();

    auto writer = file.template write<heap_page>(4);
    user const value{1, "a", {}};
    auto const one = writer->insert(user{2, "b", 3.0}).value();
    auto const two = writer->insert(value).value();
    sum += writer->update(one, user{3, "c", {}}) || writer->update(two, value) ? 1U : 2U;
    sum += writer->template edit<user>(one, [](user& of) { of.id = 4; }) ? 1U : 2U;
    sum += writer->move(one, two) || writer->redirect(one, two) || writer->erase(one) ? 1U : 2U;
    sum += writer->kill(two) || writer->reclaim(two) ? 1U : 2U;
    writer->set_lsn(4);
    writer->compact();
    {
        auto changed = writer->template row<user>(two);
        changed.template set<&user::id>(5);
    }
    {
        auto const mutable_tuple = writer->tuple(two);
        sum += mutable_tuple.size();
    }
    return sum;
}
template std::uint64_t in_a_template(pool_type&);
