// SPDX-License-Identifier: BSL-1.0
#pragma once

/// heap_directory: the chain of pages (heap_directory_page.hpp) that lists a heap file's pages. It
/// begins at the root, and grows at its end.
///
/// Each page of it names the heap file; one that names another is corrupt_page, and so is a chain
/// that comes back to a page.
///
/// `Store` is a catalog. Threads: any.

#include <quire/table/catalog.hpp>
#include <quire/table/heap_directory_page.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <class Store>
class heap_directory : immovable {
public:
    static constexpr std::size_t page_size = Store::page_size;
    using directory_view = heap_directory_page<std::byte const, page_size>;

    heap_directory(Store& store, root_entry const& where) noexcept
        : store_{store}, root_{where.page}, number_{where.number}, last_directory_{where.page} {}

    /// Makes a fresh page the root of an empty heap file.
    static void begin(std::span<std::byte, page_size> root, std::uint32_t number) noexcept {
        heap_directory_page<std::byte, page_size>{root}.set_heap(number);
    }

    [[nodiscard]] Store& store() const noexcept { return store_; }
    [[nodiscard]] page_no root() const noexcept { return root_; }
    [[nodiscard]] std::uint32_t number() const noexcept { return number_; }

    /// Whether a walk goes round: after a few rounds, not the first, so that a check has told what
    /// it has found. No number of pages is the bound: a change may make many.
    class circle {
    public:
        [[nodiscard]] bool closes_at(page_no no) noexcept {
            if (seen_ > 0 && no == mark_ && ++rounds_ == 2) { return true; }
            if (++seen_ == next_mark_) {
                mark_ = no;
                next_mark_ *= 2;
                rounds_ = 0;
            }
            return false;
        }

    private:
        page_no mark_;
        std::uint64_t seen_ = 0;
        std::uint64_t next_mark_ = 1;
        int rounds_ = 0;
    };
    /// A walk over the chain, a page at a time.
    class walk {
    public:
        explicit walk(heap_directory const& of) noexcept : of_{of}, next_{of.root_} {}
        /// `fn(no, page)` with the next page, under its latch; false if there is none.
        /// Errors: corrupt_page (the chain has no end), those of reading.
        template <class Fn>
        bool next(Fn fn) {
            if (is_over_) { return false; }
            auto const no = next_;
            if (circle_.closes_at(no)) { of_.has_no_end(); }
            auto const guard = of_.store_.file().template read<heap_directory_page>(no);
            directory_view const page{guard->bytes()};
            if (page.heap() != of_.number_) { page.corrupt("heap file of a directory page"); }
            next_ = page.next();
            is_over_ = next_.value() == 0;
            fn(no, page);
            return true;
        }

    private:
        heap_directory const& of_;
        page_no next_;
        bool is_over_ = false;
        circle circle_;
    };
    /// `fn(no, page)` for each directory page, until it returns false. Errors: those of a walk.
    template <class Fn>
    void for_each_directory(Fn fn) const {
        walk pages{*this};
        bool goes_on = true;
        auto const tell = [&](page_no no, directory_view const& page) { goes_on = fn(no, page); };
        while (goes_on && pages.next(tell)) {}
    }
    /// `fn(page)` for each directory page as a change has it, until it returns false.
    template <class Changes, class Fn>
    void for_each_directory_in(Changes& changes, Fn fn) const {
        circle pages;
        for (page_no no = root_; !pages.closes_at(no);) {
            auto const held = changes.template read<heap_directory_page>(store_.file(), no);
            directory_view const page{held.view().bytes()};
            if (page.heap() != number_) { page.corrupt("heap file of a directory page"); }
            if (!fn(page) || page.next().value() == 0) { return; }
            no = page.next();
        }
        has_no_end();
    }

protected:
    struct last_page {
        page_no no;
        bool was_held;  ///< by the change, before
    };
    /// The last page, which a change holds then. Where the next walk begins is noted, unless the
    /// change had that page before: it may have made it, and be undone.
    template <class Changes>
    [[nodiscard]] last_page hold_last_directory(Changes& changes) {
        circle pages;
        for (auto no = last_directory(); !pages.closes_at(no);) {
            bool const was_held = changes.holds(store_.file(), no);
            page_no next;
            {
                auto const page = changes.template read<heap_directory_page>(store_.file(), no);
                if (page->heap() != number_) { page->corrupt("heap file of a directory page"); }
                next = page->next();
            }
            if (!was_held) { note_last_directory(no); }
            if (next.value() == 0) { return {no, was_held}; }
            if (!was_held) { changes.let_go(store_.file(), no); }
            no = next;
        }
        has_no_end();
    }
    /// The last page that is noted.
    [[nodiscard]] page_no last_directory() const noexcept {
        return last_directory_.load(std::memory_order_relaxed);
    }
    void note_last_directory(page_no no) noexcept {
        last_directory_.store(no, std::memory_order_relaxed);
    }

    Store& store_;
    page_no const root_;
    std::uint32_t const number_;

private:
    [[noreturn]] void has_no_end() const {
        throw store_.file().slot().failure(errc::corrupt_page, "read the directory of a heap file",
                                           store_.file().id_of(root_), 0, "it has no end");
    }

    std::atomic<page_no> last_directory_;  ///< or one before it
};

}  // namespace quire::inline QUIRE_ABI::detail
