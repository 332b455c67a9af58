// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_stream: the guards of many pages, one after the other, read ahead of need.
///
///     for (auto& page : file.scan<heap_page>()) { ... page->rows<user>() ... }
///
///     auto pages = file.read_stream<heap_page>([&]() -> std::optional<page_no> { ... });
///     while (auto* page = pages.next()) { ... }
///
/// A stream holds one page at a time: `next` ends the guard that it gave before. The reads of those
/// that follow are under way meanwhile, as many as fit: over uring_backend in flight beside each
/// other, over other backends by one call for each run of neighbours.
///
/// How far it looks ahead. A scan as far as it may from the beginning. Another stream begins with
/// few pages, and looks twice as far ahead each time it has waited for reads, so that one that
/// ends early has read little in vain; where all pages are resident it looks less and less far.
/// Pages that are neighbours are read by larger transfers, up to 64 pages.
///
/// A page that a stream has read ahead is pinned until its turn, and the file cannot be closed then
/// (errc::in_use). All streams of a pool together look ahead by an eighth of the frames; a stream
/// for which nothing is left reads page by page.
///
/// A scan of more than a quarter of the pool takes few frames and uses them again, so that other
/// pages stay; see detail/page_queue.hpp. So does a read_stream that is told of as many pages.
///
/// Errors: out_of_memory, when the stream is made. Of a page when it is its turn, once; `next` may
/// then be called for the one after. What the function of a read_stream throws is thrown by `next`,
/// and the pages before it come first.
/// Lifetime: must not outlive its pool, whose destructor checks it. Threads: one, to its end.

#include <quire/pool/detail/page_queue.hpp>
#include <quire/pool/guard.hpp>

#include <iterator>  // std::default_sentinel_t

namespace quire::inline QUIRE_ABI {

namespace detail {

/// How many pages a stream looks ahead, and when it starts the next ones.
class stream_distance {
public:
    /// At most `most` pages. Expects: most > 0.
    stream_distance(std::size_t most, bool from_the_start, bool overlaps) noexcept
        : most_{most},
          fixed_{from_the_start},
          overlaps_{overlaps},
          ahead_{from_the_start || most < few ? most : few} {}

    [[nodiscard]] std::size_t pages() const noexcept { return ahead_; }
    /// Whether to start more, with `waiting` pages that have not been taken.
    [[nodiscard]] bool due(std::size_t waiting) const noexcept {
        return waiting == 0 || waiting + step() <= ahead_;
    }
    /// What was started last: whether the pages were neighbours, in order, and how many reads that
    /// were. Without transfers in flight they have been waited for.
    void started(bool in_order, std::size_t reads) noexcept {
        in_order_ = in_order;
        if (!overlaps_ && reads > 0) { waited(); }
    }
    /// A page was taken, and waited for or not.
    void taken(bool was_waited_for) noexcept {
        if (was_waited_for) {
            waited();
        } else if (!fixed_ && ++calm_ > hold_off && ahead_ > 1) {
            --ahead_;
        }
    }

private:
    void waited() noexcept {
        ahead_ = 2 * ahead_ < most_ ? 2 * ahead_ : most_;
        calm_ = 0;
    }

    static constexpr std::size_t few = 4;
    static constexpr std::size_t hold_off = 256;
    static constexpr std::size_t step_max = 16;         ///< more at once lets the device run dry
    static constexpr std::size_t step_in_order_max = 64;  ///< one transfer

    /// Without transfers in flight, all at once.
    [[nodiscard]] std::size_t step() const noexcept {
        if (!overlaps_) { return ahead_; }
        auto const share = in_order_ ? ahead_ / 3 : ahead_ / 4;
        auto const most = in_order_ ? step_in_order_max : step_max;
        return share < 1 ? 1 : share < most ? share : most;
    }

    std::size_t const most_;
    bool const fixed_;
    bool const overlaps_;
    bool in_order_ = true;
    std::size_t ahead_;
    std::size_t calm_ = 0;  ///< pages taken since one was waited for
};

/// What kind of stream it is.
struct stream_plan {
    passing how = passing::by_use;
    bool is_scan = false;
};

/// The numbers of a scan.
class page_range {
public:
    page_range(std::uint64_t first, std::uint64_t end) noexcept : next_{first}, end_{end} {}
    [[nodiscard]] std::optional<page_no> operator()() noexcept {
        if (next_ >= end_) { return std::nullopt; }
        return page_no{next_++};
    }

private:
    std::uint64_t next_;
    std::uint64_t end_;
};

}  // namespace detail

template <class Core, template <class, std::size_t> class View, class Numbers>
    requires page_kind<View, Core::page_size>
class [[nodiscard("a stream reads while it lives: name it")]] page_stream : immovable {
public:
    using guard_type = read_guard<Core, View>;

    /// For paged_file. `numbers()` gives the pages' numbers until it is empty.
    page_stream(detail::file_ref<Core> const& file, Numbers numbers, detail::stream_plan plan,
                access_options const& each)
        : file_{file},
          numbers_(std::move(numbers)),
          each_{each},
          is_scan_{plan.is_scan},
          queue_{file, pages_max, plan.how},
          distance_{queue_.room(), plan.is_scan, file.core().ahead.overlaps()} {}

    /// The guard of the next page, null after the last one. Ends the guard before it.
    /// Errors: as paged_file::read.
    [[nodiscard]] guard_type* next() & QUIRE_LIFETIMEBOUND {
        guard_.reset();
        file_.core().require_own_process("read");
        queue_.let_go();
        for (;;) {
            look_ahead();
            if (queue_.size() == 0) { break; }
            if (auto const page = take()) {
                return &guard_.fill([&] {
                    typename guard_type::page_type held{file_.core(), page->at, page->id};
                    return guard_type{held};
                });
            }
        }
        if (failure_ != nullptr) { std::rethrow_exception(std::exchange(failure_, nullptr)); }
        return nullptr;
    }

    name_the_guard_first next() && QUIRE_REFUSED_ON_TEMPORARIES;

    /// For a range-based for loop: once.
    class iterator {
    public:
        explicit iterator(page_stream& of) : of_{&of}, page_{of.next()} {}
        [[nodiscard]] guard_type& operator*() const noexcept { return *page_; }
        iterator& operator++() {
            page_ = of_->next();
            return *this;
        }
        [[nodiscard]] bool operator==(std::default_sentinel_t) const noexcept {
            return page_ == nullptr;
        }

    private:
        page_stream* of_;
        guard_type* page_;
    };
    [[nodiscard]] iterator begin() & QUIRE_LIFETIMEBOUND { return iterator{*this}; }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

private:
    static constexpr std::size_t pages_max = 192;  // three of the largest transfers
    using taken = typename detail::page_queue<Core>::taken;

    /// Fills the queue up when that is due.
    void look_ahead() {
        if (over_ || !distance_.due(queue_.size())) { return; }
        while (!over_ && queue_.size() < distance_.pages()) { ask(); }
        auto const begun = queue_.start();
        distance_.started(begun.in_order, begun.reads);
    }
    /// What `numbers` throws is kept for its turn.
    void ask() {
        std::optional<page_no> no;
        try {
            no = numbers_();
        } catch (...) {
            failure_ = std::current_exception();
        }
        if (no) {
            queue_.push(*no);
        } else {
            over_ = true;
        }
    }

    /// The next page, unless it is one that a scan passes over.
    [[nodiscard]] std::optional<taken> take() {
        using view_type = typename guard_type::view_type;
        auto& core = file_.core();
        auto const found = [&]() -> std::optional<taken> {
            try {
                return queue_.take(each_);
            } catch (error const& why) {
                if (!is_scan_ || why.code() != errc::blank_page) { throw; }
            }
            return std::nullopt;
        }();
        if (!found) { return found; }
        distance_.taken(found->waited);
        if (!detail::accepted_by<view_type>(core.frames.bytes(found->at), found->id.page())) {
            core.template leave<detail::access::shared>(found->at, found->id);
            throw file_.slot().failure(errc::wrong_page_kind, "read", found->id);
        }
        return found;
    }

    detail::file_ref<Core> const file_;
    Numbers numbers_;
    access_options const each_;
    bool const is_scan_;
    bool over_ = false;
    std::exception_ptr failure_ = nullptr;  ///< of `numbers`
    detail::page_queue<Core> queue_;
    detail::stream_distance distance_;
    guard_slot<guard_type> guard_;
};

}  // namespace quire::inline QUIRE_ABI
