// SPDX-License-Identifier: BSL-1.0
#include "examples/pagedump/check.hpp"

#include <quire/table/btree.hpp>

#include "catch.hpp"
#include "random.hpp"
#include "temp_dir.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace {

enum class level : std::int8_t { low = -1, high = 1 };
struct place {
    std::uint16_t shelf;
    float height;
};
BOOST_DESCRIBE_STRUCT(place, (), (shelf, height))

struct thing {
    std::optional<std::string> note;
    std::uint32_t number;
    std::string name;
    bool is_old;
    double weight;
    char mark;
    level how;
    place where;
    std::vector<std::byte> blob;
};
BOOST_DESCRIBE_STRUCT(thing, (), (note, number, name, is_old, weight, mark, how, where, blob))

template <class Pool>
using things =
    quire::basic_table<Pool, thing, quire::unique<&thing::number>, quire::indexed<&thing::name>,
                       quire::unique<&thing::is_old, &thing::number>,
                       quire::indexed<&thing::weight>, quire::indexed<&thing::mark, &thing::how>,
                       quire::indexed<&thing::where>, quire::indexed<&thing::blob>>;

thing any_thing(quire_test::test_random& random, std::uint32_t number) {
    thing one{};
    one.number = number;
    for (auto n = random.below(12); n > 0; --n) { one.name += static_cast<char>(random.below(3)); }
    if (random.below(2) == 0) { one.note = std::string(random.below(40), 'n'); }
    one.is_old = random.below(2) == 0;
    one.weight = (static_cast<double>(random.below(9)) - 4) / 2 * (random.below(2) == 0 ? -1 : 1);
    one.mark = static_cast<char>(random.bits());
    one.how = random.below(2) == 0 ? level::low : level::high;
    one.where = {static_cast<std::uint16_t>(random.below(5)), -0.0F};
    one.blob.resize(random.below(9), std::byte{0});
    return one;
}

template <std::size_t Size>
void check_a_file(std::string const& path) {
    using pool_type = quire::buffer_pool<Size>;
    quire_test::test_random random;
    {
        pool_type pool{{.frames = 256}};
        quire::catalog<pool_type> db{pool, pool.open(path, quire::open_mode::create_new)};
        things<pool_type> all{db, "things"};
        quire::btree<std::string, thing, pool_type> tree{db, "by name"};
        std::vector<quire::record_id> ids;
        for (std::uint32_t number = 0; number < 600; ++number) {
            ids.push_back(all.insert(any_thing(random, number)));
        }
        for (auto const id : ids) {
            if (random.below(3) == 0) { all.erase(id); }
            if (random.below(3) == 0) {  // some rows outgrow their pages
                all.update(id, [&](thing& one) {
                    auto const number = one.number;
                    one = any_thing(random, number);
                    one.name.append(random.below(12), 'x');
                });
            }
        }
        for (std::uint32_t number = 0; number < 50; ++number) {
            auto one = any_thing(random, number);
            if (number % 10 == 0) { one.note = std::string(2 * Size, 'n'); }  // overflow pages
            tree.put(std::to_string(number), one);
        }
        CHECK(tree.stats().overflow_pages == 5 * 3);
        CHECK(all.check().empty());
        db.close();
    }
    pagedump::tables_check<Size> sound{path};
    sound.run();
    for (auto const& one : sound.found) { UNSCOPED_INFO(one.page.value() << ": " << one.text); }
    CHECK(sound.found.empty());
    CHECK(sound.passed.empty());
    CHECK(sound.done.size() == 1 + 8 + 1 + 7 + 2);
}

}  // namespace

TEST_CASE("pagedump: a sound table is sound without its types, by every kind of key") {
    temp_dir const dir;
    check_a_file<2048>((dir / "small.db").string());
    check_a_file<16384>((dir / "large.db").string());
}
