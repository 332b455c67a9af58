// SPDX-License-Identifier: BSL-1.0

/// own_policy: your own eviction policy, checked, and in a pool. It evicts the page that was loaded
/// last: that is best for a scan longer than the pool, and for hardly anything else.

#include <quire/quire.hpp>
#include <quire/testing/check_policy.hpp>

#include <iostream>
#include <vector>

//! [policy]
class last_in_first_out {
public:
    struct frame_state {};  // a hit records nothing

    explicit last_in_first_out(quire::frame_states<frame_state> frames) : place_(frames.size()) {
        stack_.reserve(frames.size());  // the last allocation
    }
    void touch(frame_state&) noexcept {}

    void insert(quire::frame_no frame, quire::page_id) noexcept {
        stack_.push_back(frame);
        place_[index(frame)] = stack_.size();  // one past it; 0: not held
    }
    void remove(quire::frame_no frame, quire::page_id) noexcept {
        auto const at = std::exchange(place_[index(frame)], 0);
        for (auto i = at; i < stack_.size(); ++i) { --place_[index(stack_[i])]; }
        stack_.erase(stack_.begin() + static_cast<std::ptrdiff_t>(at - 1));
        if (next_ >= at) { --next_; }
    }
    [[nodiscard]] bool holds(quire::frame_no frame) const noexcept {
        return place_[index(frame)] != 0;
    }
    void search() noexcept { next_ = stack_.size(); }
    std::optional<quire::frame_no> propose() noexcept {
        return next_ > 0 ? std::optional{stack_[--next_]} : std::nullopt;
    }

private:
    std::vector<quire::frame_no> stack_;
    std::vector<std::size_t> place_;  // of each frame
    std::size_t next_ = 0;            // candidates that the search has left
};
static_assert(quire::eviction_policy<last_in_first_out>);
//! [policy]

template <class Policy>
std::uint64_t misses_of_ten_scans() {
    quire::buffer_pool<4096, Policy> pool{{.frames = 64}};
    auto file = pool.open("own_policy.db", quire::open_mode::create_or_replace);
    for (int page = 0; page < 80; ++page) {
        auto const made = file.template append<quire::heap_page>();
    }
    file.flush();
    auto const before = file.stats().misses;
    for (std::uint64_t page = 0; page < 800; ++page) {
        auto const guard = file.template read<quire::heap_page>(page % 80);
    }
    return file.stats().misses - before;
}

int main() try {
    auto const found = quire::testing::check_policy<last_in_first_out>();
    std::cout << found.text();
    for (auto const& rule : found.unchecked()) { std::cout << "not tried: " << rule << '\n'; }
    auto const own = misses_of_ten_scans<last_in_first_out>();
    auto const lru = misses_of_ten_scans<quire::lru>();
    std::cout << "ten scans of 80 pages through 64 frames: " << own << " misses, with lru " << lru
              << '\n';
    return found.passed() && own < lru ? 0 : 1;
} catch (quire::error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
