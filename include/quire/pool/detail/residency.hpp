// SPDX-License-Identifier: BSL-1.0
#pragma once

/// residency: the one place where a page becomes resident, and the one where it stops being so.
///
///   try_enter   the hit: one load of the entry, one atomic operation on the latch, one comparison
///   claim       absent -> loading    by the one thread that will load or make the page
///   publish     loading -> resident  the page can be found, and then it can be evicted
///   withdraw    loading -> absent    nothing happened
///   evict       resident -> private  of frames that the policy proposes, or of given ones
///   list_dirty_next                  which dirty pages would be evicted next
///
/// Nothing else stores a frame's `page` or an entry of a page table. (States and invariants:
/// pool/frame.hpp.)
///
/// Under the policy's mutex a frame is proposed, latched without waiting, checked, and taken away
/// from its page: nothing under it waits or does I/O. So a candidate that was evicted and loaded
/// again in the meantime is no danger: it is in the policy only once it is published in full.

#include <quire/base/contract.hpp>
#include <quire/pool/detail/load_waiters.hpp>
#include <quire/pool/detail/write_batch.hpp>

#include <mutex>     // std::mutex
#include <optional>  // std::optional

namespace quire::inline QUIRE_ABI::detail {

/// A frame that the policy gave up, or a dirty one that must be written first.
struct victim {
    enum class kind : std::uint8_t { none, evicted, dirty } what = kind::none;
    frame_no frame{};
    page_id page{};  ///< that was evicted, or is to be written
};

/// Whether a thread asked for a page before it was read, or will do so.
enum class arrival : std::uint8_t { asked_for, ahead };

/// A page and its frame.
struct page_place {
    frame_no frame{};
    page_id page{};
};

template <class Types>
class residency : immovable {
public:
    using frame_type = typename Types::frame_type;
    using frames_type = typename Types::frames_type;
    using file_type = typename Types::file_type;
    using files_type = typename Types::files_type;
    using place = typename Types::place;
    using entry = page_table::entry;

    residency(frames_type frames, files_type& files,
              typename Types::transfers_type& transfers)
        : frames_{frames},
          files_{files},
          transfers_{transfers},
          policy_{frame_states{frames.headers(), &frame_type::policy_state}} {}

    /// Latches page `id`, number `no`, if that needs no waiting; `at` is where it is then.
    /// Expects: `file` is the slot of its file, or was: of a file that has been closed no frame
    /// holds a page.
    template <access Mode>
    [[nodiscard, gnu::always_inline]] bool try_enter(file_type const& file, page_id id, page_no no,
                                                     place& at) noexcept {
        if (auto const e = entry_of(file, no); e.is_frame()) [[likely]] {
            auto const here = frames_.at(e.frame());
            if (try_latch<Mode>(here.header->latch) &&
                frames_.template begin_access<Mode>(here, id)) [[likely]] {
                at = used(here, id);
                return true;
            }
        }
        return false;
    }
    /// The access to page `id` at `at` has begun: notes the use.
    [[gnu::always_inline]] place used(place at, page_id id) noexcept {
        touch(at);
        count_hit(at, id);
        return at;
    }
    [[gnu::always_inline]] void count_hit(place const& at, page_id id) noexcept {
        if (at.header->count_hit()) [[unlikely]] {
            file_counters::add(files_.of(id).counters.hits, std::uint64_t{1} << 16);
        }
    }
    /// Pins page `id` if it is resident and no thread has it exclusively. That is no use of it.
    [[nodiscard]] std::optional<frame_no> try_pin(file_type const& file, page_id id) noexcept
        requires pinning<typename Types::latch_type>
    {
        auto const e = entry_of(file, id.page());
        if (!e.is_frame()) { return std::nullopt; }
        auto const at = frames_.at(e.frame());
        if (!try_latch<access::shared>(at.header->latch) ||
            !frames_.template begin_access<access::shared>(at, id)) {
            return std::nullopt;
        }
        at.header->latch.pin();
        frames_.template end_access<access::shared>(at, id);
        return e.frame();
    }
    /// As try_enter, of a thread that passes by: that is no use of the page.
    template <access Mode>
    [[nodiscard]] bool try_look_at(file_type const& file, page_id id, place& at) noexcept {
        auto const e = entry_of(file, id.page());
        if (!e.is_frame()) { return false; }
        at = frames_.at(e.frame());
        if (!try_latch<Mode>(at.header->latch) ||
            !frames_.template begin_access<Mode>(at, id)) {
            return false;
        }
        count_hit(at, id);
        return true;
    }
    /// The one call of the policy on a hit.
    [[gnu::always_inline]] void touch(place const& at) noexcept {
        policy_.touch(at.header->policy_state);
    }

    /// The entry of page `no`; absent where there can be no such page.
    [[nodiscard]] static entry entry_of(file_type const& file, page_no no) noexcept {
        return no.value() < file.pages->pages() ? file.pages->load(no) : entry::absent();
    }

    /// Whether this thread, and no other, has the page to load or make now. `self` stays in place
    /// until the page is published or the claim withdrawn.
    [[nodiscard]] bool claim(file_type const& file, page_id id,
                             load_waiters::claimed& self) noexcept {
        return waiters_.claim(self, id, [&]() noexcept { return file.pages->claim(id.page()); });
    }
    /// A page of file `id.file()` from page `id` on that is claimed now.
    [[nodiscard]] std::optional<page_id> any_claimed_from(page_id id) noexcept {
        return waiters_.any_claimed(
            [&](page_id one) { return one.file() == id.file() && !(one < id); });
    }

    /// The page in private frame `f` can be found. Expects: claimed; the bytes are the page's, and
    /// the frame is reset.
    void publish(file_type const& file, page_id id, frame_no f,
                 arrival how = arrival::asked_for) noexcept {
        frames_[f].page.store(id.bits(), std::memory_order_release);
        change_entry(file, id, entry::of(f), {});
        insert(f, id, how);
    }
    /// A claimed page is as it was before. Its waiters get `failure`; without one they try for
    /// themselves.
    void withdraw(file_type const& file, page_id id, load_failure failure = {}) noexcept {
        change_entry(file, id, entry::absent(), failure);
    }

    /// Evicts a clean page that the policy proposes, or finds a dirty one of which `wants(page)` is
    /// true. Only of file `only_of`, if that is given. At most 2 x frames candidates.
    template <class Wants>
    [[nodiscard]] victim evict_any(std::optional<file_no> only_of, Wants wants) noexcept {
        std::lock_guard const hold{mutex_};
        policy_.search();
        [[maybe_unused]] std::optional<frame_no> refused;
        for (auto tries = 2 * frames_.headers().size(); tries > 0; --tries) {
            auto const candidate = policy_.propose();
            QUIRE_CHECK(!refused || policy_.holds(*refused), proposes_held);
            if (!candidate) { break; }
            QUIRE_CHECK(index(*candidate) < frames_.headers().size() && policy_.holds(*candidate),
                        proposes_held);
            refused = candidate;
            auto const page = frames_[*candidate].page_now();
            if (only_of && page.file() != *only_of) { continue; }
            auto const what = try_evict(*candidate, page);
            if (what == victim::kind::none) { note_refusal(*candidate); }
            if (what == victim::kind::evicted ||
                (what == victim::kind::dirty && wants(page))) {
                return {what, *candidate, page};
            }
        }
        return {};
    }
    /// Evicts clean pages that the policy proposes, at most as many as `evicted` has room for, and
    /// looks at few more. How many: they are in front.
    [[nodiscard]] std::size_t evict_clean(std::span<page_place> evicted) noexcept {
        if (evicted.empty()) { return 0; }
        std::lock_guard const hold{mutex_};
        policy_.search();
        std::size_t count = 0;
        for (auto tries = 2 * evicted.size() + 16; tries > 0 && count < evicted.size(); --tries) {
            auto const candidate = policy_.propose();
            if (!candidate) { break; }
            auto const page = frames_[*candidate].page_now();
            auto const what = try_evict(*candidate, page);
            if (what == victim::kind::evicted) { evicted[count++] = {*candidate, page}; }
            if (what == victim::kind::none) { note_refusal(*candidate); }
        }
        return count;
    }
    /// Evicts those of `pages` that are still in their frames, clean, not held, and that no thread
    /// has used since they were loaded. How many: they are in front.
    [[nodiscard]] std::size_t evict_unused(std::span<page_place> pages) noexcept {
        if (pages.empty()) { return 0; }
        std::lock_guard const hold{mutex_};
        std::size_t count = 0;
        for (auto const& [frame, page] : pages) {
            bool const unused = frames_[frame].hits.load(std::memory_order_relaxed) == 0;
            if (unused && policy_.holds(frame) &&
                try_evict(frame, page) == victim::kind::evicted) {
                pages[count++] = {frame, page};
            }
        }
        return count;
    }
    /// Adds to `list`, while it has room, dirty pages that would be evicted next and of which
    /// `wants(page)` is true; only of file `only_of`, if that is given. Looks at looks_max frames.
    template <class List, class Wants>
    void list_dirty_next(std::optional<file_no> only_of, Wants wants, List& list) noexcept {
        std::lock_guard const hold{mutex_};
        auto left = looks_max;
        auto const goes_on = [&](frame_no candidate) noexcept {
            auto const& frame = frames_[candidate];
            auto const page = frame.page_now();
            bool const is_meant = !only_of || page.file() == *only_of;
            if (is_meant && frame.dirty() && wants(page)) { list.add({candidate, page}); }
            return --left > 0 && list.has_room();
        };
        if (!list.has_room()) { return; }
        if constexpr (policy_that_peeks<typename Types::policy_type>) {
            policy_.peek(goes_on);
        } else {
            policy_.search();
            for (auto next = policy_.propose(); next && goes_on(*next); next = policy_.propose()) {}
        }
    }
    /// Evicts `page` from frame `f` if it is still there, clean and not held.
    [[nodiscard]] bool evict_this(frame_no f, page_id page) noexcept {
        std::lock_guard const hold{mutex_};
        return policy_.holds(f) && try_evict(f, page) == victim::kind::evicted;
    }
    /// Latches frame `f` exclusively if `page` is published in it, and no thread holds or pins it.
    [[nodiscard]] bool latch_to_evict(frame_no f, page_id page) noexcept {
        std::lock_guard const hold{mutex_};
        auto& frame = frames_[f];
        if (!policy_.holds(f) || !try_latch_unpinned(frame.latch)) { return false; }
        if (frame.holds(page)) { return true; }
        frame.latch.unlock();
        return false;
    }
    /// Evicts `page` from a frame that was latched so, whatever its state, and unlatches it.
    void evict_latched(frame_no f, page_id page) noexcept {
        std::lock_guard const hold{mutex_};
        evict(f, page);
        frames_[f].latch.unlock();
    }

    /// Puts `self`, which is for page `id`, among those that wait for its load; false when none
    /// runs.
    [[nodiscard]] bool join(file_type const& file, page_id id,
                            load_waiters::waiter& self) noexcept {
        return waiters_.add(self, [&]() noexcept {  // in one order with claims
            return id.page().value() < file.pages->pages() &&
                   file.pages->load_in_order(id.page()) == entry::loading() &&
                   file.number.load(std::memory_order_relaxed) == id.file();
        });
    }
    /// Afterwards `self` has been announced, or never will be; nor will its function be called.
    void leave(load_waiters::waiter& self) noexcept {
        waiters_.remove(self);
        if (!waiters_.is_being_told(self)) { return; }
        static_cast<void>(transfers_.wait(deadline::max(), wake_key::none(), [&] {
            return !waiters_.is_being_told(self);
        }));
    }

    /// Waits until no thread loads page `id`, at most until `until`. Then the page's frame, pinned,
    /// so that it is not evicted before this thread comes; or nothing, and this thread looks again.
    /// Throws the error of the load.
    [[nodiscard]] std::optional<frame_no> wait_for_load(file_type const& file, page_id id,
                                                        deadline until) {
        load_waiters::waiter self{id, pinning<typename Types::latch_type>};
        if (!join(file, id, self) || !wait_for(self, until)) { return std::nullopt; }
        if (auto const failure = self.failure(); failure.happened()) {
            throw file.failure(failure.code, "read", id, failure.system);
        }
        return self.pinned();
    }
    /// Waits until no thread loads page `id`, at most until `until`; whether that is so. `failure`
    /// is what the threads get that want the page.
    [[nodiscard]] bool wait_for_end_of_load(file_type const& file, page_id id, deadline until,
                                            load_failure& failure) noexcept {
        load_waiters::waiter self{id};
        if (!join(file, id, self)) { return true; }
        if (!wait_for(self, until)) { return false; }
        failure = self.failure();
        return true;
    }
    /// Waits for what becomes of the load that `self` has joined. At the deadline it has left, and
    /// the result is false.
    [[nodiscard]] bool wait_for(load_waiters::waiter& self, deadline until) noexcept {
        if (self.announced() ||
            transfers_.wait(until, wake_key::of(self.page), [&] { return self.announced(); })) {
            return true;
        }
        leave(self);
        return self.announced();
    }

private:
    void change_entry(file_type const& file, page_id id, entry to, load_failure failure) noexcept {
        auto const pin = [&]() noexcept -> std::optional<frame_no> {
            if constexpr (pinning<typename Types::latch_type>) {
                if (to.is_frame()) {
                    frames_[to.frame()].latch.pin();
                    return to.frame();
                }
            }
            return std::nullopt;
        };
        if (waiters_.release(id, [&] { file.pages->store(id.page(), to); }, failure, pin)) {
            transfers_.wake(wake_key::of(id));
        }
    }

    /// Expects: the policy's mutex is held, here and below.
    void note_refusal([[maybe_unused]] frame_no f) noexcept {
        if constexpr (policy_that_heeds_use<typename Types::policy_type>) { policy_.in_use(f); }
    }

    [[nodiscard]] victim::kind try_evict(frame_no f, page_id page) noexcept {
        auto& frame = frames_[f];
        if (!try_latch_unpinned(frame.latch)) { return victim::kind::none; }
        auto what = victim::kind::none;
        if (frame.holds(page)) {
            what = frame.dirty() ? victim::kind::dirty : victim::kind::evicted;
        }
        if (what == victim::kind::evicted) { evict(f, page); }
        frame.latch.unlock();
        return what;
    }

    /// Expects: the frame's exclusive latch is held, too.
    void evict(frame_no f, page_id page) noexcept {
        auto& frame = frames_[f];
        auto& file = files_.of(page);
        frame.page.store(page_id::none().bits(), std::memory_order_release);
        file.pages->store(page.page(), entry::absent());
        file_counters::add(file.counters.hits, frame.hits.exchange(0, std::memory_order_relaxed));
        file.frames.fetch_sub(1, std::memory_order_relaxed);
        QUIRE_CHECK(policy_.holds(f), proposes_held);
        policy_.remove(f, page);
        QUIRE_CHECK(!policy_.holds(f), "an eviction_policy holds no frame that was removed");
    }

    void insert(frame_no f, page_id page, [[maybe_unused]] arrival how) noexcept {
        std::lock_guard const hold{mutex_};
        QUIRE_CHECK(!policy_.holds(f),
                    "an eviction_policy holds no frame before it is inserted");
        if constexpr (policy_that_heeds_arrival<typename Types::policy_type>) {
            how == arrival::ahead ? policy_.insert_ahead(f, page) : policy_.insert(f, page);
        } else {
            policy_.insert(f, page);
        }
        QUIRE_CHECK(policy_.holds(f), "an eviction_policy holds a frame that was inserted");
    }

    static constexpr int looks_max = 256;
    static constexpr char const* proposes_held =
        "an eviction_policy proposes a frame that it holds, and holds it until it is removed";

    frames_type frames_;
    files_type& files_;
    typename Types::transfers_type& transfers_;
    load_waiters waiters_;
    std::mutex mutex_;  // of the policy
    typename Types::policy_type policy_;
};

}  // namespace quire::inline QUIRE_ABI::detail
