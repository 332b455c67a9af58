// SPDX-License-Identifier: BSL-1.0
#pragma once

/// world: a pool over a faulty disk, one file, and what every page of it may be.
///
/// Each page carries a version in every sector; 0 is a page that was grown and never written. Of
/// each page the world knows the version that a reader must find now, and those that the file may
/// hold: the last one that was acknowledged by a flush, and every one since. When changes are given
/// up, by a discard or an unwritten close, any of the latter may be found, and is the one from then
/// on. An operation that throws has changed nothing, whatever the fault.
///
/// An operation throws quire::error for what the faults may cause, and `broken` for what they may
/// not. With `silent` set, faults were planned that look like success (corrupts, misdirects, of
/// writes): then a page that has to be read may be refused by its seal; never wrong. With `stale`,
/// a write may have gone elsewhere, which no seal can show: an older version may be found. With
/// `tearing`, a write may have stopped half-way: a page whose changes were given up may be refused.
/// With `straying`, a read may have met another page: if that one is blank, so is what was read.
///
/// Threads: one.

#include <quire/io/memory_backend.hpp>
#include <quire/pool/buffer_pool.hpp>
#include <quire/testing/faulty_backend.hpp>

#include "pool/consistent.hpp"
#include "pool/stamped.hpp"
#include "random.hpp"

#include <array>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace quire_test {

/// What must not be, whatever fails.
struct broken : std::logic_error {
    using std::logic_error::logic_error;
};
inline void must(bool holds, std::string const& what) {
    if (!holds) { throw broken{what}; }
}

/// Options of a backend that has a plan of faults; in memory, a disk of its own for several pools.
template <class Pool>
[[nodiscard]] auto faulty_disk() {
    decltype(typename Pool::options_type{}.backend) io;
    io.faults = std::make_shared<quire::testing::fault_plan>();
    if constexpr (requires { io.inner.store; }) {
        io.inner.store = std::make_shared<quire::memory_store>();
    }
    return io;
}

template <class Pool>
class world {
public:
    using file_type = typename Pool::file;
    using latch_type = typename std::remove_reference_t<
        decltype(std::declval<file_type const&>().core())>::latch_type;
    static constexpr std::uint64_t pages_max = 32;

    world(typename Pool::options_type options, std::string path, quire::file_options how = {})
        : options_{std::move(options)}, path_{std::move(path)}, how_{how} {
        options_.on_loss = [this](std::string const&, quire::error const&) { ++losses_; };
        options_.file_pages_max = pages_max;
        pool_.emplace(options_);
        open();
    }

    bool silent = false;
    bool stale = false;
    bool tearing = false;
    bool straying = false;

    // ---- what a user does ----------------------------------------------------------------------

    /// The file, where it is closed.
    void open() {
        file_.emplace(pool_->open(path_, quire::open_mode::open_or_create, how_));
        must(file_->pages() >= pages_.size(), "pages are gone");
        pages_.resize(file_->pages());  // reserved pages stay when a close discards
    }
    void read(std::uint64_t no) {
        or_blank(no, [&] {
            auto const page = file_->read(no);
            look(no, whole(*page));
        });
    }
    void read_optimistically(std::uint64_t no) {
        or_blank(no, [&] {
            look(no, file_->optimistic_read(no, [](auto const& page) {
                return page.bytes().template load<std::uint64_t>(16);
            }));
        });
    }
    void pin(std::uint64_t no) {
        if constexpr (quire::pinning<latch_type>) {
            or_blank(no, [&] {
                auto const held = file_->pin(no);
                read(no);
            });
        } else {
            read(no);
        }
    }
    void write(std::uint64_t no) {
        or_blank(no, [&] {
            auto page = file_->write(no);
            look(no, whole(page.view()));
            change(no, page);
        });
    }
    void write_unchanged(std::uint64_t no) {
        or_blank(no, [&] {
            auto const seen = [&] {
                auto const page = file_->read(no);
                return page.version();
            }();
            auto slot = file_->write_unchanged(no, seen);
            must(slot.has_value(), "a page that nobody wrote has changed");
            auto& page = *slot;
            look(no, whole(page.view()));
            change(no, page);
        });
    }
    void append() {
        auto page = file_->append();
        must(page.id().page().value() == pages_.size(), "an appended page is not the next");
        pages_.emplace_back();
        change(pages_.size() - 1, page);
    }
    void format(std::uint64_t no) {
        auto page = file_->format(no);
        change(no, page);
    }
    void discard(std::uint64_t no) {
        file_->discard(no);
        given_up(pages_[no]);
    }
    void truncate(std::uint64_t pages) {
        file_->truncate(pages);
        pages_.resize(pages);
    }
    void reserve(std::uint64_t pages) { file_->reserve(pages); }
    void write_back() { file_->write_back(); }
    void flush() {
        file_->flush();
        acknowledged();
    }
    void flush_pool() {
        pool_->flush();
        acknowledged();
    }
    void take_budget(std::size_t frames) {
        auto const budget = pool_->reserve(frames);
        must(budget.frames() == frames, "a budget has fewer frames than were asked for");
        check_order(frames);
    }
    /// Throws close_failed, too: then it is closed all the same, and all was written.
    void close() {
        auto const failed = closed(quire::unwritten::write);
        acknowledged();
        if (failed) { throw *failed; }
    }
    void close_and_discard() {
        auto const failed = closed(quire::unwritten::discard);
        for (auto& page : pages_) { given_up(page); }
        if (failed) { throw *failed; }
    }
    /// A new pool in place of the old one, whose destructor writes what it can.
    void restart() {
        bool const had = is_open();
        file_.reset();
        losses_ = 0;
        pool_.reset();
        pool_.emplace(options_);
        if (losses_ > 0) {
            for (auto& page : pages_) { given_up(page); }
        } else if (had) {
            acknowledged();
        }
    }

    // ---- what must be true when nothing is under way -------------------------------------------

    void check_order(std::size_t set_aside = 0) {
        if (!is_open()) { return; }
        std::array<std::optional<file_type>, 1> const files{file_};
        expect_consistent(file_->core(), files, set_aside);
        must(file_->pages() == pages_.size(), "the file has another number of pages");
    }

    /// With no faults planned: every page is there, in this pool, then in the file, then in another
    /// pool. A file whose sync failed is read, refuses writes, and is given up.
    void check_all() {
        if (!is_open()) { open(); }
        check_order();
        read_all();
        if (has_sync_error()) {
            check_sync_error();
            close_and_discard();
        } else {
            flush();
            must(file_->slot().dirty == 0, "a flush has left dirty pages");
            read_all();
            close();
        }
        restart();
        open();
        read_all();
        check_order();
    }

    /// Every page is as expected; one that its seal refuses, after a silent fault, is made anew.
    /// A file with a sync error may have made every frame dirty: then none is left for other pages.
    void read_all() {
        for (std::uint64_t no = 0; no < pages_.size(); ++no) {
            try {
                read(no);
            } catch (quire::error const& e) {
                bool const stuck = has_sync_error() && file_->slot().dirty == pool_->frames();
                if (e.kind() == quire::errc::sync_failed && stuck) { continue; }
                bool const may_be = silent || (tearing && !pages_[no].now);
                if (e.kind() != quire::errc::corrupt_page || !may_be) { throw; }
                ++sealed_out_;
                if (!has_sync_error()) { format(no); }
            }
        }
    }

    [[nodiscard]] bool is_open() const { return file_.has_value(); }
    [[nodiscard]] bool has_sync_error() const { return file_->slot().sync_error != 0; }
    [[nodiscard]] std::uint64_t pages() const { return pages_.size(); }
    [[nodiscard]] Pool& pool() { return *pool_; }
    [[nodiscard]] file_type& file() { return *file_; }
    [[nodiscard]] std::uint64_t sealed_out() const { return sealed_out_; }

private:
    struct page_state {
        std::optional<std::uint64_t> now = 0;  ///< nothing: one of `on_disk`
        std::set<std::uint64_t> on_disk{0};
    };

    template <class View>
    [[nodiscard]] static std::uint64_t whole(View const& page) {
        auto const version = stamp_of(page);
        must(version.has_value(), "a torn page passed its seal");
        return *version;
    }
    /// `fn` looks at page `no`, if it is not blank: then it is at version 0.
    template <class Fn>
    void or_blank(std::uint64_t no, Fn fn) {
        try {
            fn();
        } catch (quire::error const& e) {
            bool const strayed = straying && pages_[no].now != 0U;
            if (e.kind() != quire::errc::blank_page || strayed) { throw; }
            look(no, 0);
        }
    }

    /// `version` was found.
    void look(std::uint64_t no, std::uint64_t version) {
        auto& page = pages_[no];
        bool const may_be = (!page.now || stale) && page.on_disk.contains(version);
        must(may_be || page.now == version,
             "page " + std::to_string(no) + " has version " + std::to_string(version) + ", not " +
                 (page.now ? std::to_string(*page.now) : "one that it may have"));
        page.now = version;
    }
    template <class Guard>
    void change(std::uint64_t no, Guard& page) {
        stamp(*page, ++versions_);
        pages_[no].now = versions_;
        pages_[no].on_disk.insert(versions_);
    }

    void check_sync_error() {
        auto const refuses = [](auto act) {
            try {
                act();
            } catch (quire::error const& e) {
                must(e.kind() == quire::errc::sync_failed,
                     "a file with a sync error gives another error");
                return;
            }
            throw broken{"a file with a sync error takes writes"};
        };
        refuses([&] { static_cast<void>(file_->write(0)); });
        refuses([&] { static_cast<void>(file_->append()); });
        refuses([&] { file_->flush(); });
        refuses([&] { file_->close(); });
        read_all();
    }

    std::optional<quire::error> closed(quire::unwritten dirty) {
        std::optional<quire::error> failed;
        try {
            file_->close(dirty);
        } catch (quire::error const& e) {
            if (e.kind() != quire::errc::close_failed) { throw; }
            failed = e;
        }
        file_.reset();
        return failed;
    }
    void acknowledged() {
        for (auto& page : pages_) {
            if (stale || !page.now) { continue; }
            page.on_disk = {*page.now};
        }
    }
    static void given_up(page_state& page) { page.now.reset(); }

    typename Pool::options_type options_;
    std::string path_;
    quire::file_options how_;
    std::optional<Pool> pool_;
    std::optional<file_type> file_;
    std::vector<page_state> pages_;
    std::uint64_t versions_ = 0;
    std::uint64_t sealed_out_ = 0;
    int losses_ = 0;
};

}  // namespace quire_test
