// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/detail/frame_supply.hpp>

#include "doubles.hpp"

#include <quire/evict/clock.hpp>

#include "catch.hpp"
#include "death.hpp"

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
        return [this](page_id id, auto&) noexcept { unmapped.push_back(id); };
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
    CHECK_FALSE(s.supply.latch_resident(offer.frame, page(0)));
    CHECK(s.unmapped.empty());
    CHECK(s.at(offer.frame).holds(page(0)));
    s.supply.insert(offer.frame);
    REQUIRE(s.supply.latch_resident(offer.frame, page(0)));
    s.at(offer.frame).latch.unlock();
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

namespace {

// What a policy can get wrong. One thing at a time.
enum class wrong { refused, later, removed, inserted, early, number };

/// The policy of `told_policy`, but for one thing.
template <wrong What>
struct wrong_policy : told_policy {
    using told_policy::told_policy;
    std::optional<frame_no> last{};

    void insert(frame_no frame, page_id page) noexcept {
        if (What != wrong::inserted) { told_policy::insert(frame, page); }
    }
    void remove(frame_no frame, page_id page) noexcept {
        if (What != wrong::removed) { told_policy::remove(frame, page); }
    }
    [[nodiscard]] bool holds(frame_no frame) const noexcept {
        return What == wrong::early || told_policy::holds(frame);
    }
    [[nodiscard]] std::optional<frame_no> propose() noexcept {
        if (What == wrong::number) { return frame_no{77}; }
        if (What == wrong::later && last) { told_policy::remove(*last, {}); }
        last = told_policy::propose();
        if (What == wrong::refused && last) { told_policy::remove(*last, {}); }
        return last;
    }
};

/// What stops a supply with that policy, whose two frames are held by readers and then are not.
template <wrong What>
std::string stopped_by() {
    return violation_of([] {
        using policy = wrong_policy<What>;
        using frame = quire::frame_header<quire::hybrid_latch, typename policy::frame_state>;
        quire_test::policy_orders::current() = {};
        std::array<frame, 2> frames;
        quire::detail::frame_supply<frame, policy> supply{std::span{frames}};
        auto const ignore = [](page_id, auto&) noexcept {};
        for (std::uint64_t no = 0; no < 2; ++no) {
            auto const f = supply.take({}, ignore).frame;
            frames[quire::index(f)].page = page(no).bits();
            supply.insert(f);
        }
        for (auto& each : frames) { each.latch.lock_shared(); }
        static_cast<void>(supply.take({}, ignore));
        for (auto& each : frames) { each.latch.unlock_shared(); }
        static_cast<void>(supply.take({}, ignore));
    });
}

}  // namespace

TEST_CASE("frame_supply: checked builds stop a policy that breaks its concept, where it does") {
    if constexpr (quire::checked_build) {
        using Catch::Matchers::ContainsSubstring;
        auto const proposes = ContainsSubstring(
            "an eviction_policy proposes a frame that it holds, and holds it until it is removed");
        CHECK_THAT(stopped_by<wrong::refused>(), proposes);
        CHECK_THAT(stopped_by<wrong::later>(), proposes);
        CHECK_THAT(stopped_by<wrong::number>(), proposes);
        CHECK_THAT(stopped_by<wrong::removed>(),
                   ContainsSubstring("an eviction_policy holds no frame that was removed"));
        CHECK_THAT(stopped_by<wrong::inserted>(),
                   ContainsSubstring("an eviction_policy holds a frame that was inserted"));
        CHECK_THAT(stopped_by<wrong::early>(),
                   ContainsSubstring("an eviction_policy holds no frame before it is inserted"));
    } else {
        SUCCEED("a policy is checked by check_policy, and in checked builds");
    }
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
