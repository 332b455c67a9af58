// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/detail/frame_supply.hpp>

#include "doubles.hpp"

#include <quire/evict/clock.hpp>

#include "catch.hpp"

#include <set>

using quire::frame_no;
using quire::page_id;
using quire_test::told_policy;

namespace {

using frame_type = quire::frame_header<quire::hybrid_latch, told_policy::frame_state>;
using supply_type = quire::detail::frame_supply<frame_type, told_policy>;
using kind = supply_type::offer::kind;

constexpr page_id page(std::uint64_t no, std::uint16_t file = 0) {
    return {static_cast<quire::file_no>(file), no};
}

/// A supply over a few frames; the pages that were unmapped.
struct setting {
    setting() { quire_test::policy_orders::current() = {}; }

    auto unmap() {
        return [this](page_id id) noexcept { unmapped.push_back(id); };
    }
    /// Puts page `no` into a frame that was free.
    frame_no publish(std::uint64_t no) {
        auto const offer = supply.take({}, unmap());
        REQUIRE(offer.what == kind::frame);
        REQUIRE(offer.page == page_id::none());
        at(offer.frame).page = page(no).bits();
        supply.insert(offer.frame);
        return offer.frame;
    }
    frame_type& at(frame_no f) { return frames[quire::index(f)]; }

    std::array<frame_type, 3> frames;
    supply_type supply{std::span{frames}};
    std::vector<page_id> unmapped;
};

}  // namespace

TEST_CASE("frame_supply: gives each free frame once, then pages' frames, then nothing") {
    setting s;
    std::set<frame_no> all;
    for (std::uint64_t no = 0; no < 3; ++no) { all.insert(s.publish(no)); }
    CHECK(all.size() == 3);
    for (std::uint64_t no = 0; no < 3; ++no) {
        auto const offer = s.supply.take({}, s.unmap());
        CHECK(offer.what == kind::frame);
        CHECK(offer.page == page(no));
        CHECK(s.at(offer.frame).holds(page_id::none()));
    }
    CHECK(s.unmapped == std::vector{page(0), page(1), page(2)});
    CHECK(s.supply.take({}, s.unmap()).what == kind::nothing);
    s.supply.give_back(frame_no{1});
    CHECK(s.supply.take({}, s.unmap()).frame == frame_no{1});
}

TEST_CASE("frame_supply: passes over frames that are held or pinned, and leaves them alone") {
    setting s;
    auto const a = s.publish(0);
    auto const b = s.publish(1);
    auto const c = s.publish(2);
    s.at(a).latch.lock_shared();
    s.at(b).latch.lock_shared();
    s.at(b).latch.pin();
    s.at(b).latch.unlock_shared();
    s.at(c).latch.lock();
    CHECK(s.supply.take({}, s.unmap()).what == kind::nothing);
    CHECK_FALSE(s.supply.take_this(a, page(0), s.unmap()));
    CHECK_FALSE(s.supply.take_this(b, page(1), s.unmap()));
    CHECK(s.unmapped.empty());
    CHECK(s.at(b).holds(page(1)));
    s.at(b).latch.unpin();
    CHECK(s.supply.take({}, s.unmap()).frame == b);
    s.at(a).latch.unlock_shared();
    s.at(c).latch.unlock();
}

TEST_CASE("frame_supply: a dirty frame is offered, and taken by name once it is clean") {
    setting s;
    for (std::uint64_t no = 0; no < 3; ++no) { s.publish(no); }
    auto& frame = s.at(frame_no{0});
    static_cast<void>(frame.modified());
    auto const offer = s.supply.take({}, s.unmap());
    CHECK(offer.what == kind::dirty);
    CHECK(offer.frame == frame_no{0});
    CHECK(offer.page == page(0));
    CHECK_FALSE(s.supply.take_this(offer.frame, offer.page, s.unmap()));
    static_cast<void>(frame.written_back(1));
    CHECK_FALSE(s.supply.take_this(offer.frame, page(1), s.unmap()));  // another page
    CHECK(s.unmapped.empty());
    CHECK(s.supply.take_this(offer.frame, offer.page, s.unmap()));
    CHECK(s.unmapped == std::vector{page(0)});
    CHECK_FALSE(s.supply.take_this(offer.frame, offer.page, s.unmap()));
}

TEST_CASE("frame_supply: a frame that is published in half is not taken") {
    // A candidate that was evicted and is loaded again, by the time it is asked for by name: its
    // page is set, its entry is not. Taken now, its loader would store the entry of a frame that
    // somebody else has.
    setting s;
    for (std::uint64_t no = 0; no < 3; ++no) { s.publish(no); }
    auto const offer = s.supply.take({}, s.unmap());
    s.unmapped.clear();
    s.at(offer.frame).page = page(0).bits();
    CHECK_FALSE(s.supply.take_this(offer.frame, page(0), s.unmap()));
    CHECK(s.unmapped.empty());
    CHECK(s.at(offer.frame).holds(page(0)));
    s.supply.insert(offer.frame);
    CHECK(s.supply.take_this(offer.frame, page(0), s.unmap()));
}

TEST_CASE("frame_supply: victims that failed are passed over, clean frames are not") {
    setting s;
    for (std::uint64_t no = 0; no < 3; ++no) {
        static_cast<void>(s.at(s.publish(no)).modified());
    }
    quire::detail::failed_victims failed;
    failed.add(page(0));
    auto const offer = s.supply.take(failed, s.unmap());
    CHECK(offer.what == kind::dirty);
    CHECK(offer.page == page(1));
    failed.add(page(1));
    CHECK(s.supply.take(failed, s.unmap()).what == kind::nothing);
    s.at(frame_no{1}).reset();
    CHECK(s.supply.take(failed, s.unmap()).frame == frame_no{1});
}

TEST_CASE("failed_victims: bars the page, after two the file, after eight everything") {
    quire::detail::failed_victims failed;
    CHECK_FALSE(failed.bars(page(0)));
    failed.add(page(0));
    CHECK(failed.bars(page(0)));
    CHECK_FALSE(failed.bars(page(1)));
    failed.add(page(1));
    CHECK(failed.bars(page(2)));
    CHECK_FALSE(failed.bars(page(0, 1)));
    for (std::uint16_t file = 1; file <= 6; ++file) { failed.add(page(0, file)); }
    CHECK(failed.bars(page(5, 9)));
}

TEST_CASE("frame_budget: gives back what was not drawn") {
    setting s;
    {
        std::vector<frame_no> mine;
        while (true) {
            auto const offer = s.supply.take({}, s.unmap());
            if (offer.what == kind::nothing) { break; }
            mine.push_back(offer.frame);
        }
        quire::frame_budget budget{s.supply, mine};
        CHECK(budget.frames() == 3);
        CHECK(budget.draw().has_value());
        CHECK(budget.frames() == 2);
    }
    CHECK(s.supply.take({}, s.unmap()).what == kind::frame);
    CHECK(s.supply.take({}, s.unmap()).what == kind::frame);
    CHECK(s.supply.take({}, s.unmap()).what == kind::nothing);
}
