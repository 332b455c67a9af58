// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_queue: pages of a file that one thread will have in this order, read ahead.
///
///     push            a page is wanted, after those that are in the queue
///     start           the reads of what was pushed since the last start
///     take            the first page, latched; waits for it if it must
///     let_go          the page that was taken last is no longer held
///
/// A page that is being read when it is started, by this queue or by another thread, is joined: it
/// stays pinned from its arrival until it is taken, so it is read once. One that is resident then
/// is looked up when it is taken, like any page; so is one for which there was no frame, no record,
/// or no latch that can pin.
///
/// Frames. A queue that recycles evicts the pages that it brought, and that have been taken, before
/// it takes frames from others: if no other thread has used them since. So it passes through a pool
/// in a few frames, whatever the policy; and in these the neighbours of a file stay neighbours in
/// memory, which the system transfers faster. Taking a page is no use of it for the policy.
///
/// Invariants
///   I1. Slots [first_, begun_) are started, [begun_, end_) only pushed; all modulo the size.
///   I2. A slot that was started and joined has a pin on its frame as soon as it is announced,
///       unless the load failed. Taking it, or the queue's end, gives the pin back.
///
/// Errors of a page are reported when it is taken, once; the queue goes on with the next.
/// Threads: one. In a forked child it only ends. Lifetime: must not outlive its pool.

#include <quire/base/fetch_line.hpp>
#include <quire/pool/detail/file_ref.hpp>

namespace quire::inline QUIRE_ABI::detail {

/// Fetches the lines that whoever comes to a resident page needs first: the frame's header, the
/// page's header and what is behind it, and the end, where tuples and values of blocks begin.
template <class Core>
void fetch_first_lines(Core& core, frame_no f) noexcept {
    constexpr std::size_t line = 64;
    constexpr std::size_t front = 4 * line;
    constexpr std::size_t back = 2 * line;
    auto const bytes = core.frames.bytes(f);
    fetch_line(&core.frames[f]);
    for (std::size_t at = 0; at < front; at += line) { fetch_line(bytes.data() + at); }
    for (std::size_t at = 0; at < back; at += line) {
        fetch_line(bytes.data() + (bytes.size() - back + at));
    }
}

/// Starts reads for no reader, and fetches lines of pages that are resident. How many reads. Cheap
/// where all are resident: walks over trees ask a lot.
template <class Core>
[[nodiscard]] std::size_t prefetch(Core& core, file_ref<Core> const& file,
                                   std::span<page_no const> numbers) {
    core.require_own_process("prefetch");
    auto const& slot = file.slot();
    bool some_are_absent = false;
    for (auto const no : numbers) {
        if (!slot.has_page(no)) { continue; }
        auto const entry = slot.pages->load(no);
        if (entry.is_frame()) { fetch_first_lines(core, entry.frame()); }
        some_are_absent = some_are_absent || entry == page_table::entry::absent();
    }
    if (!some_are_absent) { return 0; }
    std::size_t started = 0;
    while (!numbers.empty()) {
        std::array<wanted_page, decltype(core.ahead)::batch_max> batch;
        auto const some = numbers.first(numbers.size() < batch.size() ? numbers.size()
                                                                      : batch.size());
        numbers = numbers.subspan(some.size());
        for (std::size_t i = 0; i < some.size(); ++i) { batch[i] = {file.id_of(some[i])}; }
        auto const pages = std::span{batch}.first(some.size());
        sort_ascending(pages);
        started += core.ahead.start(file.slot(), pages, recycle_none).begun;
    }
    return started;
}

/// How a thread passes through pages.
enum class passing : std::uint8_t {
    by_use,   ///< a page that is taken counts as used, and is left to the policy
    through,  ///< it does not, and its frame is used for another
};

/// Of that many pages. More than a quarter of the pool would push out too many others.
template <class Core>
[[nodiscard]] passing way_past(Core const& core, std::uint64_t pages) noexcept {
    return pages > core.options.frames / 4 ? passing::through : passing::by_use;
}

template <class Core>
class page_queue : immovable {
    using ahead_type = decltype(std::declval<Core&>().ahead);

public:
    using place = typename Core::place;
    static constexpr std::size_t batch_max = ahead_type::batch_max;

    /// Wants to look ahead by `pages`, and may be granted less. Errors: out_of_memory.
    page_queue(file_ref<Core> const& file, std::size_t pages, passing how)
    try : file_{file},
          how_{how},
          granted_{core().ahead, pinning<typename Core::latch_type> ? pages : 0},
          slots_(looks_ahead() + 1),
          spent_(looks_ahead() + 1) {
    } catch (std::bad_alloc const&) {
        throw file.slot_open_or_not().failure(errc::out_of_memory, "read ahead", file.number());
    }
    ~page_queue() {
        if (core().memory().inherited()) { return; }
        for (auto i = first_; i != begun_; ++i) { give_up(slot(i)); }
    }

    /// How many pages it has room for: one, when it may not look ahead.
    [[nodiscard]] std::size_t room() const noexcept {
        return looks_ahead() > 0 ? looks_ahead() : 1;
    }
    [[nodiscard]] std::size_t size() const noexcept { return end_ - first_; }

    /// Expects: size() < room().
    void push(page_no no) noexcept {
        auto& last = slot(end_++);
        last.id = file_.id_of(no);
        last.reader.reset();
    }

    struct begun_reads {
        bool in_order;      ///< the pages are neighbours, in order
        std::size_t reads;  ///< those that were not resident
    };
    /// Starts what was pushed since the last start.
    begun_reads start() noexcept {
        bool in_order = true;
        std::size_t reads = 0;
        while (begun_ != end_) {
            std::array<wanted_page, batch_max> batch;
            std::size_t count = 0;
            for (; begun_ != end_ && count < batch.size(); ++begun_) {
                auto& one = slot(begun_);
                if (looks_ahead() > 0) { one.reader.emplace(one.id, true); }
                batch[count] = {one.id, looks_ahead() > 0 ? &*one.reader : nullptr};
                in_order = in_order && (count == 0 || batch[count - 1].page.bits() + 1 ==
                                                          batch[count].page.bits());
                ++count;
            }
            if (looks_ahead() == 0) { return {false, 0}; }
            if (!in_order) { sort_ascending(std::span{batch}.first(count)); }
            reads += core().ahead.start(file_.slot(), std::span{batch}.first(count),
                                        [&](std::span<page_place> room) noexcept {
                                            return recycle(room);
                                        }).begun;
        }
        return {in_order, reads};
    }

    struct taken {
        place at;
        page_id id;
        bool waited;  ///< the page was not there yet
    };
    /// The first page, latched shared. Errors: as paged_file::read. Expects: size() > 0, all of it
    /// started.
    [[nodiscard]] taken take(access_options const& how) {
        auto& one = slot(first_);
        ++first_;
        taken found{{}, one.id, true};
        if constexpr (checked_build) {
            if (core().held_here(file_.slot(), one.id)) {
                give_up(one);
                throw file_.slot().failure(errc::held_here, "read", one.id);
            }
        }
        if (one.reader && one.reader->joined()) {
            if (!one.reader->announced()) { core().transfers.reap_complete(); }
            found.waited = !one.reader->announced();
            if (auto const f = arrive(one, how)) {
                found.at = latch_pinned(*f, one.id, how);
                last_ = {*f, one.id};
                return found;
            }
        }
        auto& file = file_.slot_open_or_not();
        if (how_ == passing::through &&
            core().resident.template try_look_at<access::shared>(file, one.id, found.at)) {
            core().note_entered(found.at, one.id);
            found.waited = false;
            return found;
        }
        found.waited = !residency_type::entry_of(file, one.id.page()).is_frame();
        found.at = core().template enter<access::shared>(file, one.id, one.id.page(), how);
        return found;
    }

    /// The page that was taken last is held no more.
    void let_go() noexcept {
        auto const last = std::exchange(last_, {{}, page_id::none()});
        if (last.page == page_id::none() || how_ == passing::by_use) { return; }
        spent_[spent_end_++ % spent_.size()] = last;
        if (spent_end_ - spent_first_ > spent_.size()) { ++spent_first_; }
    }

private:
    using residency_type = decltype(std::declval<Core&>().resident);

    struct slot_type {
        page_id id{};
        std::optional<load_waiters::waiter> reader;
    };

    [[nodiscard]] Core& core() const noexcept { return file_.core(); }
    [[nodiscard]] std::size_t looks_ahead() const noexcept { return granted_.pages(); }
    [[nodiscard]] slot_type& slot(std::size_t i) noexcept { return slots_[i % slots_.size()]; }

    /// Where the page is, pinned; nothing when it is to be looked up. Throws its error.
    [[nodiscard]] std::optional<frame_no> arrive(slot_type& one, access_options const& how) {
        auto& file = file_.slot();
        if (!core().resident.wait_for(*one.reader, core().deadline_of(how))) {
            throw file.failure(errc::timed_out, "read", one.id, 0, waited_for_load);
        }
        if (auto const failure = one.reader->failure(); failure.happened()) {
            throw file.failure(failure.code, "read", one.id, failure.system);
        }
        return one.reader->pinned();
    }

    [[nodiscard]] place latch_pinned(frame_no f, page_id id, access_options const& how) {
        auto const at = core().frames.at(f);
        unpin_at_end const pinned_till_then{at.header->latch};
        if (!core().template latch_while_there<access::shared>(file_.slot(), at, id,
                                                               core().deadline_of(how), "read")) {
            throw file_.slot().failure(errc::timed_out, "read", id, 0, waited_for_guard);
        }
        core().note_entered(at, id);
        return at;
    }

    void give_up(slot_type& one) noexcept {
        if (!one.reader || !one.reader->joined()) { return; }
        core().resident.leave(*one.reader);
        if (!one.reader->announced()) { return; }
        if (auto const f = one.reader->pinned()) { unpin(core().frames[*f].latch); }
    }

    /// Evicts pages that were taken, the oldest first. Not all that could be had at once: what is
    /// left is for the next start.
    [[nodiscard]] std::size_t recycle(std::span<page_place> room) noexcept {
        std::size_t count = 0;
        while (count < room.size() && spent_first_ != spent_end_) {
            room[count++] = spent_[spent_first_++ % spent_.size()];
        }
        return core().resident.evict_unused(room.first(count));
    }

    file_ref<Core> const file_;
    passing const how_;
    typename ahead_type::grant const granted_;
    fixed_array<slot_type> slots_;
    fixed_array<page_place> spent_;  ///< pages that were taken, a ring
    std::size_t first_ = 0;
    std::size_t begun_ = 0;
    std::size_t end_ = 0;
    std::size_t spent_first_ = 0;
    std::size_t spent_end_ = 0;
    page_place last_{{}, page_id::none()};
};

}  // namespace quire::inline QUIRE_ABI::detail
