// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/detail/residency.hpp>

#include "doubles.hpp"

#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"
#include "death.hpp"

#include <array>
#include <memory>
#include <set>
#include <vector>

using quire::frame_no;
using quire::page_id;
using quire::detail::access;
using quire::detail::victim;
using quire_test::told_policy;
using kind = quire::detail::victim::kind;

namespace {

constexpr page_id page(std::uint64_t no) { return {quire::file_no{0}, no}; }

/// A file of eight pages and three frames, of which none has a page.
template <class Policy = told_policy>
struct setting {
    using types =
        quire::detail::pool_types<512, Policy, quire::hybrid_latch, quire::memory_backend>;

    setting() {
        quire_test::policy_orders::current() = {};
        file().pages.emplace(8);
        file().dirty_in.emplace(3);
    }

    auto& file() { return files.of(page(0)); }
    /// Puts page `no` into frame `f`, which has none.
    void publish(std::uint64_t no, std::uint32_t f) {
        REQUIRE(resident.claim(file(), page(no), claim));
        file().frames.fetch_add(1);
        resident.publish(file(), page(no), frame_no{f});
    }
    void publish_three() {
        for (std::uint32_t f = 0; f < 3; ++f) { publish(f, f); }
    }
    auto& at(frame_no f) { return frames[f]; }
    [[nodiscard]] bool is_absent(std::uint64_t no) {
        return file().pages->load(no) == quire::page_table::entry::absent();
    }
    victim evict_any() {
        return resident.evict_any({}, [](page_id) noexcept { return true; });
    }
    bool enters(std::uint64_t no) {
        typename types::place place;
        if (!resident.template try_enter<access::shared>(file(), page(no), no, place)) {
            return false;
        }
        frames.template end_access<access::shared>(place, page(no));
        return true;
    }

    typename types::memory_type memory{3, quire::huge_pages::off};
    typename types::frames_type frames{memory};
    quire::memory_backend backend{memory.memory().bytes(), {}};
    typename types::files_type files{1};
    typename types::transfers_type transfers{backend};
    quire::detail::residency<types> resident{frames, files, transfers};
    quire::detail::load_waiters::claimed claim;
};

}  // namespace

TEST_CASE("residency: a page is found once it is published, and until it is evicted") {
    setting s;
    CHECK_FALSE(s.enters(1));
    REQUIRE(s.resident.claim(s.file(), page(1), s.claim));
    CHECK_FALSE(s.resident.claim(s.file(), page(1), s.claim));  // one thread has it
    CHECK_FALSE(s.enters(1));
    s.file().frames.fetch_add(1);
    s.resident.publish(s.file(), page(1), frame_no{2});
    CHECK(s.enters(1));
    CHECK(s.at(frame_no{2}).hits == 1);
    CHECK(s.evict_any().what == kind::evicted);
    CHECK_FALSE(s.enters(1));
    CHECK(s.is_absent(1));
    CHECK(s.file().counters.hits == 1);
    CHECK(s.file().frames == 0);
    CHECK_FALSE(s.enters(99));  // past the page table
}

TEST_CASE("residency: a withdrawn claim leaves no trace") {
    setting s;
    REQUIRE(s.resident.claim(s.file(), page(1), s.claim));
    s.resident.withdraw(s.file(), page(1));
    CHECK(s.is_absent(1));
    CHECK(s.resident.claim(s.file(), page(1), s.claim));
}

TEST_CASE("residency: evicts every page once, then none") {
    setting s;
    s.publish_three();
    std::set<frame_no> all;
    for (std::uint64_t no = 0; no < 3; ++no) {
        auto const found = s.evict_any();
        CHECK(found.what == kind::evicted);
        CHECK(found.page == page(no));
        CHECK(s.at(found.frame).holds(page_id::none()));
        CHECK(s.is_absent(no));
        all.insert(found.frame);
    }
    CHECK(all.size() == 3);
    CHECK(s.evict_any().what == kind::none);
}

TEST_CASE("residency: passes over frames that are held or pinned, and leaves them alone") {
    setting s;
    s.publish_three();
    frame_no const a{0};
    frame_no const b{1};
    frame_no const c{2};
    s.at(a).latch.lock_shared();
    s.at(b).latch.lock_shared();
    s.at(b).latch.pin();
    s.at(b).latch.unlock_shared();
    s.at(c).latch.lock();
    CHECK(s.evict_any().what == kind::none);
    CHECK_FALSE(s.resident.evict_this(a, page(0)));
    CHECK_FALSE(s.resident.evict_this(b, page(1)));
    CHECK_FALSE(s.is_absent(1));
    CHECK(s.at(b).holds(page(1)));
    s.at(b).latch.unpin();
    CHECK(s.evict_any().frame == b);
    s.at(a).latch.unlock_shared();
    s.at(c).latch.unlock();
}

namespace {

/// A policy that is told which of its candidates were refused.
struct heeding_policy : told_policy {
    using told_policy::told_policy;
    void in_use(frame_no f) noexcept { refused().push_back(f); }
    static std::vector<frame_no>& refused() {
        static std::vector<frame_no> frames;
        return frames;
    }
};
static_assert(quire::policy_that_heeds_use<heeding_policy>);

}  // namespace

TEST_CASE("residency: the policy hears of each candidate that is held or pinned, and no other") {
    using frames = std::vector<frame_no>;
    setting<heeding_policy> s;
    heeding_policy::refused().clear();
    s.publish_three();
    s.at(frame_no{0}).latch.lock_shared();
    s.at(frame_no{1}).latch.lock_shared();
    s.at(frame_no{1}).latch.pin();
    s.at(frame_no{1}).latch.unlock_shared();
    SECTION("one is needed") {
        auto const found = s.evict_any();
        CHECK(found.what == kind::evicted);
        CHECK(found.frame == frame_no{2});
    }
    SECTION("some are needed") {
        std::array<quire::detail::page_place, 2> evicted;
        CHECK(s.resident.evict_clean(evicted) == 1);
        CHECK(evicted[0].frame == frame_no{2});
    }
    CHECK(heeding_policy::refused() == frames{frame_no{0}, frame_no{1}});
    s.at(frame_no{0}).latch.unlock_shared();
    s.at(frame_no{1}).latch.unpin();
    CHECK(s.evict_any().what == kind::evicted);
    CHECK(heeding_policy::refused().size() == 2);
}

// An s3_fifo keeps a pinned page among its first candidates until it is told.
TEST_CASE("residency: in a pool the policy hears of the pages that are pinned") {
    quire::buffer_pool<512, heeding_policy, quire::hybrid_latch, quire::memory_backend> pool{
        {.frames = 4, .backend = {std::make_shared<quire::memory_store>()}}};
    quire_test::policy_orders::current() = {};
    auto const file = pool.open("f", quire::open_mode::create_new);
    for (int i = 0; i < 8; ++i) { static_cast<void>(file.append().id()); }
    file.flush();
    auto const pin = file.pin(0);
    for (std::uint64_t no = 1; no < 4; ++no) { static_cast<void>(file.read(no).id()); }
    auto const its = file.core().resident.entry_of(file.slot(), 0).frame();
    heeding_policy::refused().clear();
    for (std::uint64_t no = 4; no < 8; ++no) { static_cast<void>(file.read(no).id()); }
    CHECK_FALSE(heeding_policy::refused().empty());
    for (auto const f : heeding_policy::refused()) { CHECK(f == its); }
}

TEST_CASE("residency: a dirty page is named, and evicted by name once it is clean") {
    setting s;
    s.publish_three();
    auto& frame = s.at(frame_no{0});
    static_cast<void>(frame.modified());
    auto const found = s.evict_any();
    CHECK(found.what == kind::dirty);
    CHECK(found.frame == frame_no{0});
    CHECK(found.page == page(0));
    CHECK_FALSE(s.resident.evict_this(found.frame, found.page));
    static_cast<void>(frame.written_back(1));
    CHECK_FALSE(s.resident.evict_this(found.frame, page(1)));  // another page
    CHECK_FALSE(s.is_absent(0));
    CHECK(s.resident.evict_this(found.frame, found.page));
    CHECK(s.is_absent(0));
    CHECK_FALSE(s.resident.evict_this(found.frame, found.page));
}

TEST_CASE("residency: a page that is published in half is not evicted") {
    // A candidate that was evicted and is loaded again, by the time it is asked for by name: its
    // page is set, its entry is not. Evicted now, its loader would store the entry of a frame that
    // another thread has.
    setting s;
    s.publish_three();
    auto const found = s.evict_any();
    REQUIRE(s.resident.claim(s.file(), page(0), s.claim));
    s.at(found.frame).page = page(0).bits();
    CHECK_FALSE(s.resident.evict_this(found.frame, page(0)));
    CHECK_FALSE(s.resident.latch_to_evict(found.frame, page(0)));
    CHECK(s.at(found.frame).holds(page(0)));
    CHECK(s.file().pages->load(0) == quire::page_table::entry::loading());
    s.file().frames.fetch_add(1);
    s.resident.publish(s.file(), page(0), found.frame);
    REQUIRE(s.resident.latch_to_evict(found.frame, page(0)));
    s.at(found.frame).latch.unlock();
    CHECK(s.resident.evict_this(found.frame, page(0)));
}

TEST_CASE("residency: dirty pages that are not wanted are passed over, clean ones are not") {
    setting s;
    s.publish_three();
    for (std::uint32_t f = 0; f < 3; ++f) { static_cast<void>(s.at(frame_no{f}).modified()); }
    auto const second = s.resident.evict_any({}, [](page_id id) noexcept { return id != page(0); });
    CHECK(second.what == kind::dirty);
    CHECK(second.page == page(1));
    auto const none = [](page_id) noexcept { return false; };
    CHECK(s.resident.evict_any({}, none).what == kind::none);
    s.at(frame_no{1}).reset();
    CHECK(s.resident.evict_any({}, none).frame == frame_no{1});
}

TEST_CASE("residency: a latched page is evicted whatever its state") {
    setting s;
    s.publish_three();
    static_cast<void>(s.at(frame_no{1}).modified());
    REQUIRE(s.resident.latch_to_evict(frame_no{1}, page(1)));
    CHECK_FALSE(s.at(frame_no{1}).latch.try_lock_shared());
    s.resident.evict_latched(frame_no{1}, page(1));
    CHECK(s.is_absent(1));
    CHECK(s.at(frame_no{1}).latch.try_lock());
    s.at(frame_no{1}).latch.unlock();
}

namespace {

// What a policy can get wrong. One thing at a time.
enum class wrong { refused, later, removed, inserted, early, number };

/// The policy of `told_policy`, except for one thing.
template <wrong What>
struct wrong_policy : told_policy {
    using told_policy::told_policy;
    std::optional<frame_no> last{};

    void insert(frame_no frame, page_id id) noexcept {
        if (What != wrong::inserted) { told_policy::insert(frame, id); }
    }
    void remove(frame_no frame, page_id id) noexcept {
        if (What != wrong::removed) { told_policy::remove(frame, id); }
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

/// What stops a pool with that policy, whose frames are held by readers and then are not.
template <wrong What>
std::string stopped_by() {
    return violation_of([] {
        setting<wrong_policy<What>> s;
        s.publish_three();
        for (std::uint32_t f = 0; f < 3; ++f) { s.at(frame_no{f}).latch.lock_shared(); }
        static_cast<void>(s.evict_any());
        for (std::uint32_t f = 0; f < 3; ++f) { s.at(frame_no{f}).latch.unlock_shared(); }
        static_cast<void>(s.evict_any());
    });
}

}  // namespace

TEST_CASE("residency: checked builds stop a policy that breaks its concept, where it does") {
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
