// SPDX-License-Identifier: BSL-1.0
#include <quire/testing/check_policy.hpp>

#include <quire/evict/clock.hpp>
#include <quire/evict/lru.hpp>
#include <quire/evict/s3_fifo.hpp>
#include <quire/evict/sieve.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

using quire::frame_no;
using quire::frame_states;
using quire::page_id;
using quire::testing::check_policy;
using quire::testing::policy_trial;

namespace {

std::uint64_t allocations = 0;  // what a program that counts them would have
std::uint64_t allocations_so_far() { return allocations; }
policy_trial const counted{.allocations = allocations_so_far};

// First in, first out: right. The wrong ones below each change one thing.
struct fifo {
    struct frame_state {
        std::atomic<bool> touched{false};
    };
    explicit fifo(frame_states<frame_state> frames) : states{frames}, held(frames.size()) {
        order.reserve(frames.size());
    }
    void touch(frame_state&) noexcept {}
    void insert(frame_no frame, page_id) noexcept {
        held[index(frame)] = true;
        order.push_back(frame);
    }
    void remove(frame_no frame, page_id) noexcept {
        held[index(frame)] = false;
        auto const at = std::find(order.begin(), order.end(), frame);
        if (at < order.begin() + static_cast<std::ptrdiff_t>(next)) { --next; }
        order.erase(at);
    }
    [[nodiscard]] bool holds(frame_no frame) const noexcept { return held[index(frame)]; }
    void search() noexcept { next = 0; }
    std::optional<frame_no> propose() noexcept {
        return next < order.size() ? std::optional{order[next++]} : std::nullopt;
    }

    frame_states<frame_state> states;
    std::vector<bool> held;
    std::vector<frame_no> order;
    std::size_t next = 0;
};

struct proposes_the_removed : fifo {
    using fifo::fifo;
    std::optional<frame_no> last{};
    void remove(frame_no frame, page_id page) noexcept {
        fifo::remove(frame, page);
        last = frame;
    }
    void search() noexcept {
        fifo::search();
        last.reset();
    }
    std::optional<frame_no> propose() noexcept {
        return last ? std::exchange(last, std::nullopt) : fifo::propose();
    }
};
struct proposes_the_free : fifo {
    using fifo::fifo;
    bool tried = false;
    void search() noexcept {
        fifo::search();
        tried = false;
    }
    std::optional<frame_no> propose() noexcept {
        auto const held_one = fifo::propose();
        if (held_one || tried || held.empty()) { return held_one; }
        tried = true;
        return frame_no{0};
    }
};
struct goes_round_for_ever : fifo {
    using fifo::fifo;
    std::optional<frame_no> propose() noexcept {
        if (next == order.size()) { next = 0; }
        return fifo::propose();
    }
};
struct begins_again_when_touched : fifo {
    using fifo::fifo;
    void touch(frame_state&) noexcept { next = 0; }
};
struct begins_again_by_itself : fifo {
    using fifo::fifo;
    std::optional<frame_no> propose() noexcept {
        auto const candidate = fifo::propose();
        if (!candidate) { next = 0; }
        return candidate;
    }
};
struct forgets_the_refused : fifo {
    using fifo::fifo;
    void remove(frame_no frame, page_id page) noexcept {
        if (std::find(order.begin(), order.end(), frame) != order.end()) {
            fifo::remove(frame, page);
        }
        held[index(frame)] = false;
    }
    std::optional<frame_no> propose() noexcept {
        auto const candidate = fifo::propose();
        if (candidate) { remove(*candidate, page_id::none()); }
        return candidate;
    }
};
struct drops_the_refused : forgets_the_refused {
    using forgets_the_refused::forgets_the_refused;
    std::optional<frame_no> propose() noexcept {
        auto const candidate = forgets_the_refused::propose();
        if (candidate) { held[index(*candidate)] = true; }
        return candidate;
    }
};
struct spares_the_touched : fifo {
    using fifo::fifo;
    void touch(frame_state& state) noexcept { state.touched = true; }
    std::optional<frame_no> propose() noexcept {
        for (;;) {
            auto const candidate = fifo::propose();
            if (!candidate || !states[*candidate].touched) { return candidate; }
        }
    }
};
struct holds_the_touched : fifo {
    using fifo::fifo;
    void touch(frame_state& state) noexcept {
        for (std::uint32_t f = 0; f < states.size(); ++f) {
            if (&states[static_cast<frame_no>(f)] == &state) { held[f] = true; }
        }
    }
};
struct holds_too_long : fifo {
    using fifo::fifo;
    void remove(frame_no frame, page_id page) noexcept {
        fifo::remove(frame, page);
        held[index(frame)] = true;
    }
};
struct knows_one_file : fifo {
    using fifo::fifo;
    void insert(frame_no frame, page_id page) noexcept {
        if (page.file() == quire::file_no{0}) { fifo::insert(frame, page); }
    }
    void remove(frame_no frame, page_id page) noexcept {
        if (page.file() == quire::file_no{0}) { fifo::remove(frame, page); }
    }
};
struct has_globals : fifo {
    using fifo::fifo;
    static inline std::vector<bool> everybodys{};
    void insert(frame_no frame, page_id page) noexcept {
        fifo::insert(frame, page);
        everybodys.resize(1024);
        everybodys[index(frame)] = true;
    }
    void remove(frame_no frame, page_id page) noexcept {
        fifo::remove(frame, page);
        everybodys[index(frame)] = false;
    }
    [[nodiscard]] bool holds(frame_no frame) const noexcept {
        return index(frame) < everybodys.size() && everybodys[index(frame)];
    }
};
struct writes_beside_its_state : fifo {
    using fifo::fifo;
    void insert(frame_no frame, page_id page) noexcept {
        fifo::insert(frame, page);
        *(reinterpret_cast<volatile std::byte*>(&states[frame]) + sizeof(frame_state)) = {};
    }
};
struct is_one_threads : fifo {
    using fifo::fifo;
    std::thread::id const owner = std::this_thread::get_id();
    std::atomic<bool> confused{false};
    void touch(frame_state&) noexcept {
        if (std::this_thread::get_id() != owner) { confused = true; }
    }
    std::optional<frame_no> propose() noexcept {
        return confused ? frame_no{12'345} : fifo::propose();
    }
};
struct allocates : fifo {
    using fifo::fifo;
    void insert(frame_no frame, page_id page) noexcept {
        fifo::insert(frame, page);
        ++allocations;
    }
};

/// The first rule that the check names.
template <class Policy>
std::string first_broken() {
    auto const found = check_policy<Policy>(counted);
    return found.passed() ? "none" : found.broken().front();
}

}  // namespace

TEMPLATE_TEST_CASE("check_policy: finds nothing in quire's own policies", "", quire::clock,
                   quire::lru, quire::sieve, quire::s3_fifo, fifo) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        CHECK(check_policy<TestType>({.seed = seed, .allocations = allocations_so_far}).text() ==
              "");
    }
}

TEST_CASE("check_policy: names the rule that a wrong policy breaks") {
    CHECK(first_broken<holds_too_long>() ==
          "holds: true from insert to remove, and for no other frame (frame 1)");
    CHECK(first_broken<knows_one_file>() ==
          "holds: true from insert to remove, and for no other frame (frame 1)");
    CHECK(first_broken<proposes_the_free>() ==
          "propose: only a frame that is held (frame 0)");
    CHECK(first_broken<begins_again_by_itself>() ==
          "propose: nothing more when a search has ended");
    CHECK(first_broken<goes_round_for_ever>() ==
          "propose: a search ends after at most 2 x frames candidates, even if touched "
          "meanwhile");
    CHECK(first_broken<begins_again_when_touched>() ==
          "propose: a search ends after at most 2 x frames candidates, even if touched "
          "meanwhile");
    CHECK(first_broken<spares_the_touched>() ==
          "propose: a search that takes none proposes every frame that is held");
    CHECK(first_broken<forgets_the_refused>() ==
          "propose: a refused candidate stays held (frame 3)");
    CHECK(first_broken<drops_the_refused>() ==
          "propose: a refused candidate is proposed again by the next search");
    CHECK(first_broken<proposes_the_removed>().starts_with(
        "remove: the frame is proposed no more, not even by the search that is under way"));
    CHECK(first_broken<holds_the_touched>() ==
          "touch: changes nothing of what is held, not even on a frame that is not (frame 0)");
    CHECK(first_broken<is_one_threads>() ==
          "touch: any thread may call it, even while another function runs (propose: only a frame "
          "that is held (frame 12345))");
    CHECK(first_broken<writes_beside_its_state>() ==
          "policy: writes nothing of a frame but its own state (frame 1)");
    CHECK(first_broken<has_globals>() == "policy: shares nothing with another policy (frame 1)");
    CHECK(first_broken<allocates>() == "policy: allocates nothing after its construction");
}

TEST_CASE("check_policy: counts no allocations without a function that counts") {
    CHECK(check_policy<allocates>().passed());
}

TEST_CASE("check_policy: says what it has not tried, and why") {
    using words = std::vector<std::string>;
    auto const all = check_policy<fifo>(counted);
    CHECK(all.checked() == words{"eviction_policy"});
    CHECK(all.unchecked().empty());
    CHECK(check_policy<fifo>({.threads = 0}).unchecked() ==
          words{"touch: any thread may call it, even while another function runs (`threads` is 0)",
                "policy: allocates nothing after its construction (`allocations` is not given)"});
    CHECK(check_policy<holds_too_long>(counted).unchecked() ==
          words{"touch: any thread may call it, even while another function runs (another rule is "
                "broken)",
                "policy: allocates nothing after its construction (another rule is broken)"});
}
