// SPDX-License-Identifier: BSL-1.0
#pragma once

/// heap_model: a heap page beside what it should be, kept in a std::map.
///
/// Each operation is done on both; its result must be the one that the model foretells, room
/// included, and afterwards the page must validate and hold exactly the model's tuples. A refused
/// operation must leave the page's bytes as they were. What went on inside is counted, so that a
/// test can see whether it has been where it meant to go.
///
/// A mismatch throws std::logic_error with the operation; plain code instead of assertions, since
/// the small cases are enumerated in their hundreds of thousands.

#include "page/page_buffer.hpp"

#include <algorithm>
#include <map>      // std::map
#include <ostream>  // std::ostream
#include <vector>   // std::vector

namespace quire_test {

using tuple_bytes = std::vector<std::byte>;

struct model_counts {
    std::size_t steps = 0;
    std::size_t compactions = 0;  ///< operations after which another slot's tuple lies elsewhere
    std::size_t moves = 0;        ///< updates that put their tuple elsewhere
    std::size_t failed_inserts = 0;
    std::size_t failed_updates = 0;
    std::size_t renumbered = 0;
    std::size_t refused_moves = 0;
    std::size_t redirects = 0;
    std::size_t refused_redirects = 0;
    std::size_t named_erases = 0;  ///< slots that became dead because a redirect names them
    std::size_t reclaimed = 0;
    std::size_t refused_reclaims = 0;
    std::size_t from_own_page = 0;  ///< inserts and updates from bytes of the same page
    std::size_t too_large = 0;

    void print(std::ostream& out) const {
        out << steps << " steps: " << compactions << " compactions, " << moves << " moves, "
            << failed_inserts << " failed inserts, " << failed_updates << " failed updates, "
            << renumbered << " renumbered, " << refused_moves << " refused moves, " << redirects
            << " redirects, " << refused_redirects << " refused redirects, " << named_erases
            << " erases of named slots, " << reclaimed << " reclaimed, " << refused_reclaims
            << " refused reclaims, " << from_own_page << " from the own page, " << too_large
            << " too large\n";
    }
    [[nodiscard]] bool all_seen() const {
        for (auto count :
             {compactions, moves, failed_inserts, failed_updates, renumbered, refused_moves,
              redirects, refused_redirects, named_erases, reclaimed, refused_reclaims}) {
            if (count == 0) { return false; }
        }
        return true;
    }
};

template <std::size_t N>
class heap_model {
    using page_type = quire::heap_page<std::byte, N>;
    using state = quire::slot_state;
    static constexpr std::size_t header = 32;

    struct slot {
        state what = state::free;
        tuple_bytes bytes{};
        std::size_t target = 0;
    };

public:
    explicit heap_model(model_counts& counts) : counts_{&counts}, page_{make_heap_page<N>()} {}

    [[nodiscard]] std::size_t slots() const {
        return slots_.empty() ? 0 : slots_.rbegin()->first + 1;
    }
    [[nodiscard]] std::size_t live_bytes() const {
        std::size_t sum = 0;
        for (auto const& [number, s] : slots_) { sum += s.bytes.size(); }
        return sum;
    }
    /// The bytes of a live slot in the page itself; empty when it is not live.
    [[nodiscard]] std::span<std::byte const> own_bytes(std::size_t number) {
        page_type page{page_.span()};
        if (what(number) != state::live) { return {}; }
        auto const tuple = page.tuple(quire::slot_id{number});
        return tuple.unguarded_span();
    }

    void insert(std::span<std::byte const> from, bool own = false) {
        tuple_bytes const bytes{from.begin(), from.end()};
        step("insert", quire::slot_id{0xFFFF}, [&](page_type& page) {
            if (bytes.size() > page.tuple_size_max) { return expect_too_large(page, from); }
            bool const fits =
                header + 4 * (slots() + (has_free() ? 0 : 1)) + live_bytes() + bytes.size() <= N;
            auto const got = page.insert(from);
            expect(got.has_value() == fits, "insert succeeds exactly when there is room");
            if (!got) { return refused(counts_->failed_inserts); }
            expect(what(got->value()) == state::free, "insert takes a free number");
            slots_[got->value()] = {state::live, bytes};
            counts_->from_own_page += own ? 1 : 0;
            return true;
        });
    }

    void update(std::size_t number, std::span<std::byte const> from, bool own = false) {
        tuple_bytes const bytes{from.begin(), from.end()};
        auto const end = follow(number);
        step("update", quire::slot_id{end}, [&](page_type& page) {
            quire::slot_id const id{number};
            if (what(end) != state::live) {
                return expect_none([&] { (void)page.update(id, from); });
            }
            if (bytes.size() > page.tuple_size_max) {
                expect(errc_of([&] { (void)page.update(id, from); }) ==
                           quire::errc::tuple_too_large,
                       "an update that fits no page says so");
                return refused(counts_->too_large);
            }
            bool const fits =
                bytes.size() <= slots_[end].bytes.size() ||
                header + 4 * slots() + live_bytes() - slots_[end].bytes.size() + bytes.size() <= N;
            auto const before = place(end);
            bool const done = page.update(id, from);
            expect(done == fits, "update succeeds exactly when there is room");
            if (!done) { return refused(counts_->failed_updates); }
            slots_[end].bytes = bytes;
            counts_->moves += place(end) != before ? 1 : 0;
            counts_->from_own_page += own ? 1 : 0;
            return true;
        });
    }

    void erase(std::size_t number) {
        step("erase", quire::slot_id{number}, [&](page_type& page) {
            bool const there = what(number) == state::live || what(number) == state::redirect;
            expect(page.erase(quire::slot_id{number}) == there, "erase says whether there was one");
            if (there) { vacate(number); }
            return there;
        });
    }

    void kill(std::size_t number) {
        step("kill", quire::slot_id{number}, [&](page_type& page) {
            bool const there = what(number) == state::live || what(number) == state::redirect;
            expect(page.kill(quire::slot_id{number}) == there, "kill says whether there was one");
            if (there) { slots_[number] = {state::dead}; }
            return there;
        });
    }

    void reclaim(std::size_t number) {
        step("reclaim", quire::slot_id{number}, [&](page_type& page) {
            bool const can = what(number) == state::dead && !is_named(number);
            expect(page.reclaim(quire::slot_id{number}) == can,
                   "reclaim takes dead slots that nobody names");
            if (!can) { return refused(counts_->refused_reclaims); }
            slots_.erase(number);
            ++counts_->reclaimed;
            return true;
        });
    }

    void move(std::size_t from, std::size_t to) {
        step("move", quire::slot_id{from}, [&](page_type& page) {
            quire::slot_id const a{from};
            quire::slot_id const b{to};
            if (what(from) != state::live) {
                return expect_none([&] { (void)page.move(a, b); });
            }
            bool const fits = header + 4 * std::max(slots(), to + 1) + live_bytes() <= N;
            bool const can = what(to) == state::free && fits;
            expect(page.move(a, b) == can, "move takes free numbers that fit");
            if (!can) { return refused(counts_->refused_moves); }
            slots_[to] = slots_[from];
            vacate(from);
            ++counts_->renumbered;
            return true;
        });
    }

    void redirect(std::size_t from, std::size_t to) {
        step("redirect", quire::slot_id{from}, [&](page_type& page) {
            quire::slot_id const a{from};
            quire::slot_id const b{to};
            if (what(follow(to)) != state::live) {
                return expect_none([&] { (void)page.redirect(a, b); });
            }
            // A free slot behind the model's last one may or may not still be there.
            bool const exists = from < page.slot_count();
            bool const can = exists && may_redirect(from, to);
            expect(page.redirect(a, b) == can, "redirect refuses circles and long chains");
            if (!can) { return refused(counts_->refused_redirects); }
            slots_[from] = {state::redirect, {}, to};
            ++counts_->redirects;
            return true;
        });
    }

    void compact() {
        step("compact", quire::slot_id{0xFFFF}, [&](page_type& page) {
            page.compact();
            expect(page.slot_count() == slots(), "compaction drops free slots at the end");
            return true;
        });
    }

private:
    [[nodiscard]] state what(std::size_t number) const {
        auto const at = slots_.find(number);
        return at == slots_.end() ? state::free : at->second.what;
    }
    [[nodiscard]] bool has_free() const { return slots_.size() < slots(); }
    [[nodiscard]] bool is_named(std::size_t number) const {
        for (auto const& [from, s] : slots_) {
            if (s.what == state::redirect && s.target == number) { return true; }
        }
        return false;
    }
    [[nodiscard]] std::size_t follow(std::size_t number) const {
        while (what(number) == state::redirect) { number = slots_.at(number).target; }
        return number;
    }
    [[nodiscard]] std::size_t chain_length(std::size_t number) const {
        std::size_t length = 0;
        for (; what(number) == state::redirect; ++length) { number = slots_.at(number).target; }
        return length;
    }
    /// Tries it on a copy and looks at every chain.
    [[nodiscard]] bool may_redirect(std::size_t from, std::size_t to) const {
        for (std::size_t at = to;; at = slots_.at(at).target) {
            if (at == from) { return false; }
            if (what(at) != state::redirect) { break; }
        }
        heap_model after = *this;
        after.slots_[from] = {state::redirect, {}, to};
        for (auto const& [number, s] : after.slots_) {
            if (after.chain_length(number) > page_type::redirects_max) { return false; }
        }
        return true;
    }
    void vacate(std::size_t number) {
        if (is_named(number)) {
            slots_[number] = {state::dead};
            ++counts_->named_erases;
        } else {
            slots_.erase(number);
        }
    }

    void expect(bool holds, char const* what) const {
        if (!holds) {
            throw std::logic_error{std::string{what} + " (in " + operation_ + ", step " +
                                   std::to_string(counts_->steps) + ")"};
        }
    }
    bool refused(std::size_t& count) const {
        ++count;
        return false;
    }
    template <class Fn>
    bool expect_none(Fn&& fn) const {
        expect(errc_of(fn) == quire::errc::no_such_tuple, "what is not there is an error");
        return false;
    }
    bool expect_too_large(page_type& page, std::span<std::byte const> from) const {
        expect(errc_of([&] { (void)page.insert(from); }) == quire::errc::tuple_too_large,
               "a tuple that fits no page is an error");
        return refused(counts_->too_large);
    }

    /// Where the tuple of a live slot lies.
    [[nodiscard]] std::byte const* place(std::size_t number) {
        page_type page{page_.span()};
        auto const tuple = page.tuple(quire::slot_id{number});
        return tuple.unguarded_span().data();
    }
    [[nodiscard]] std::map<std::size_t, std::byte const*> places() {
        std::map<std::size_t, std::byte const*> out;
        for (auto const& [number, s] : slots_) {
            if (s.what == state::live && !s.bytes.empty()) { out[number] = place(number); }
        }
        return out;
    }

    template <class Fn>
    void step(char const* operation, quire::slot_id subject, Fn&& fn) {
        operation_ = operation;
        ++counts_->steps;
        auto const before = page_.bytes();
        auto const places_before = places();
        page_type page{page_.span()};
        bool const changed = fn(page);
        if (!changed) { expect(page_.bytes() == before, "a refused operation changes nothing"); }
        compare(page);
        bool compacted = false;
        for (auto const& [number, at] : places()) {
            auto const old = places_before.find(number);
            compacted = compacted || (number != subject.value() && old != places_before.end() &&
                                      old->second != at);
        }
        counts_->compactions += compacted ? 1 : 0;
    }

    void compare(page_type const& page) const {
        page.validate();
        std::size_t live = 0;
        for (auto const& [number, s] : slots_) {
            live += s.what == state::live ? 1 : 0;
            auto const end = slots_.find(follow(number));
            bool const there = end != slots_.end() && end->second.what == state::live;
            quire::slot_id const id{number};
            expect(page.contains(id) == there, "contains follows redirects");
            if (!there) { continue; }
            auto const tuple = page.tuple(id);
            auto const bytes = tuple.unguarded_span();
            expect(std::equal(bytes.begin(), bytes.end(), end->second.bytes.begin(),
                              end->second.bytes.end()),
                   "the tuple is the one that was put there");
        }
        expect(page.size() == live, "size counts live tuples");
        expect(page.slot_count() >= slots(), "used slots exist");
        std::size_t seen = 0;
        for (auto id : page.slots()) {
            expect(what(id.value()) == state::live, "iteration gives live slots");
            ++seen;
        }
        expect(seen == live, "iteration gives all live slots");
        std::size_t const used = header + 4 * (slots() + (has_free() ? 0 : 1)) + live_bytes();
        expect(page.free_space() == (used > N ? 0 : N - used), "free_space is what would fit");
    }

    model_counts* counts_;
    page_buffer<N> page_;
    std::map<std::size_t, slot> slots_;
    char const* operation_ = "";
};

}  // namespace quire_test
