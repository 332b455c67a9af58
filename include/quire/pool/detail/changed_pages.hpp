// SPDX-License-Identifier: BSL-1.0
#pragma once

/// changed_pages: the pages that a change holds, what they were, and their record in the log.
///
/// Each page is latched exclusively once, and stays so until the change is committed or undone.
/// Before its bytes are first lent they are copied. A page that was made (appended, or formatted
/// while it was not resident) has no copy: undone, its frame is forgotten, and the file has what it
/// had. An appended page is behind the file's end until the commit, under the file's grow latch,
/// which is held as long.
///
/// Commit: the differences are found; then, under the log's order, the record is put together and
/// gets its LSN; then the frames get it; then the latches go. Nothing fails once the log has the
/// record.
///
/// Invariants
///   I1. No page of a change is written: write-back latches, and the change has the latch.
///   I2. A frame has the record's LSN before its latch is given up.

#include <quire/pool/detail/file_latch.hpp>
#include <quire/pool/detail/logged_pool.hpp>
#include <quire/pool/detail/page_difference.hpp>
#include <quire/pool/detail/page_maker.hpp>
#include <quire/borrow/loan.hpp>

#include <memory>  // std::unique_ptr

namespace quire::inline QUIRE_ABI::detail {

inline constexpr char const* change_ends_unlent =
    "a change ends only while none of its pages has a name, and nothing of them is lent";

template <class Core>
class changed_pages : immovable {
public:
    using file_type = typename Core::file_type;
    enum class origin : std::uint8_t { found, appended, formatted };

    /// A page of the change.
    struct page : immovable {
        typename Core::place at;
        page_id id;
        file_type* file = nullptr;
        origin from = origin::found;
        bool lent = false;      ///< its bytes may differ from `before`
        bool replaced = false;  ///< by a format: it is logged whole
        std::unique_ptr<std::byte[]> before;
        std::size_t ranges_end = 0;  ///< in ranges_, of this page's
        bool whole = false;
        lender account;  ///< all views of the page are one lender
    };

    explicit changed_pages(Core& core) noexcept : core_{core} {}
    ~changed_pages() {
        if (!core_.memory().inherited()) { undo(); }
    }

    /// Whether its memory is not worth keeping for another change.
    [[nodiscard]] bool is_large() const noexcept { return pages_.size() > 64; }
    [[nodiscard]] bool empty() const noexcept { return ids_.empty() && growing_.empty(); }
    [[nodiscard]] page* find(page_id id) noexcept {
        auto const i = place_of(id);
        return i < ids_.size() ? pages_[i].get() : nullptr;
    }

    /// Latches page `id` of `file`. Errors: as paged_file::write.
    [[nodiscard]] page& latch(file_type& file, page_id id, access_options const& how) {
        page& one = room();
        one.at = core_.template enter<access::exclusive>(file, id, id.page(), how, "change");
        return begin(one, file, id, origin::found);
    }
    /// Likewise, unless others have it now: then false.
    [[nodiscard]] bool try_latch(file_type& file, page_id id) {
        try {
            static_cast<void>(latch(file, id, without_waiting));
            return true;
        } catch (error const& why) {
            if (why.code() != errc::timed_out) { throw; }
            return false;
        }
    }
    /// A new page, latched.
    template <class Kind>
    [[nodiscard]] page& append(file_type& file, file_no number, access_options const& how,
                               Kind const& kind) {
        page& one = room();
        bool const is_first = grow(file, number, how);
        try {
            page_maker<Core> maker{core_, file, number, writing_by::changes};
            auto const made = maker.append_unseen(
                file.page_count.load(std::memory_order_relaxed) + appended_to(file), how, kind);
            one.at = made.at;
            return begin(one, file, made.page, origin::appended);
        } catch (...) {
            if (is_first) {
                file.grow.unlock();
                growing_.pop_back();
            }
            throw;
        }
    }
    /// Page `id`, made anew, latched.
    template <class Kind>
    [[nodiscard]] page& format(file_type& file, page_id id, access_options const& how,
                               Kind const& kind) {
        page& one = room();
        auto const keep = [&](auto bytes) noexcept { copy_before(one, bytes); };
        keeping_kind<Kind, decltype(keep)> const kept{kind, keep};
        auto const made = page_maker<Core>{core_, file, id.file(), writing_by::changes}.format(
            id.page(), how, kept);
        one.at = made.at;
        page& done = begin(one, file, id,
                           made.was_resident ? origin::found : origin::formatted);
        done.replaced = true;
        done.lent = true;
        return done;
    }
    /// A page that the change has, made anew.
    template <class Kind>
    void format_again(page& one, Kind const& kind) {
        one.account.expect_unlent();
        core_.frames.unpoison(one.at.number());
        lend(one);
        auto const bytes = core_.frames.bytes(one.at);
        std::memset(bytes.data(), 0, Core::page_size);
        kind.format(bytes, one.id.page());
        one.file->begin_seal(bytes, one.id, [&] { return kind.accepts(bytes, one.id.page()); });
        one.replaced = true;
    }
    /// Gives the latch of a page that was not accepted up again. Expects: it is the last one.
    void drop_last() noexcept {
        core_.template leave<access::exclusive>(pages_[ids_.size() - 1]->at, ids_.back());
        ids_.pop_back();
    }

    /// Gives the latch of a page up, if the change has it, and it is as it was.
    void let_go_unchanged(page_id id) noexcept {
        auto const i = place_of(id);
        if (i == ids_.size() || pages_[i]->lent) { return; }
        pages_[i]->account.expect_unnamed(change_ends_unlent);
        core_.template leave<access::exclusive>(pages_[i]->at, id);
        auto const at = pages_.begin() + static_cast<std::ptrdiff_t>(i);
        std::rotate(at, at + 1, pages_.begin() + static_cast<std::ptrdiff_t>(ids_.size()));
        ids_.erase(ids_.begin() + static_cast<std::ptrdiff_t>(i));
    }

    /// The page's bytes are about to change.
    void lend(page& one) noexcept {
        if (one.lent) { return; }
        one.lent = true;
        core_.modified(one.at, one.id);
        if (one.from == origin::found) { copy_before(one, core_.frames.bytes(one.at)); }
    }

    /// Logs what was changed; the LSN, or that of the log's end when nothing was. Afterwards the
    /// pages are let go. Errors: log_full, log_failed, out_of_memory; then nothing has happened.
    [[nodiscard]] std::uint64_t commit(std::uint64_t& promised, std::uint64_t& needed) {
        for_each([](page& one) { one.account.expect_unnamed(change_ends_unlent); });
        auto const parts = find_differences();
        if (parts == 0) {
            auto const at = changes().log().end();
            let_go(0);
            return at;
        }
        auto const lsn = changes().append(
            promised, needed, [&](std::uint64_t since) { return put_together(parts, since); },
            [&](std::uint64_t at) noexcept { note_logged(at); });
        let_go(lsn);
        return lsn;
    }
    /// Everything is as before.
    void undo() noexcept {
        for (; !ids_.empty(); ids_.pop_back()) {
            page& one = *pages_[ids_.size() - 1];
            one.account.expect_unnamed(change_ends_unlent);
            one.from == origin::found ? restore(one) : forget(one);
        }
        stop_growing();
    }

private:
    template <class Kind, class Keep>
    struct keeping_kind : Kind {
        keeping_kind(Kind const& kind, Keep const& of) : Kind{kind}, keep{of} {}
        Keep keep;
    };

    [[nodiscard]] auto& changes() const noexcept { return logged_pool<Core>::of(core_).changes; }
    template <class Fn>
    void for_each(Fn fn) {
        for (std::size_t i = 0; i < ids_.size(); ++i) { fn(*pages_[i]); }
    }
    /// In ids_, or behind its end.
    [[nodiscard]] std::size_t place_of(page_id id) const noexcept {
        auto const count = ids_.size();
        for (std::size_t i = 0; i < count; ++i) {
            if (ids_[i] == id) { return i; }
        }
        return count;
    }
    /// A page object that is not in use yet.
    [[nodiscard]] page& room() {
        if (ids_.size() == pages_.size()) { pages_.push_back(std::make_unique<page>()); }
        ids_.reserve(pages_.capacity());
        page& one = *pages_[ids_.size()];
        if (one.before == nullptr) {
            one.before = std::make_unique_for_overwrite<std::byte[]>(Core::page_size);
        }
        return one;
    }
    page& begin(page& one, file_type& file, page_id id, origin from) noexcept {
        one.id = id;
        one.file = &file;
        one.from = from;
        one.lent = from != origin::found;
        one.replaced = one.lent;
        ids_.push_back(id);
        return one;
    }
    void copy_before(page& one, std::span<std::byte const> bytes) noexcept {
        std::memcpy(one.before.get(), bytes.data(), Core::page_size);
    }

    // Appending.

    /// Takes the file's grow latch, until the change's end, unless it has it already.
    [[nodiscard]] bool grow(file_type& file, file_no number, access_options const& how) {
        if (std::find(growing_.begin(), growing_.end(), &file) != growing_.end()) { return false; }
        growing_.reserve(growing_.size() + 1);
        core_.require_own_process("append");
        core_.require_writable(file, number, "append", writing_by::changes);
        if (!core_.transfers.template latch<access::exclusive>(file.grow,
                                                               core_.deadline_of(how))) {
            throw file.failure(errc::timed_out, "append", number, 0, waited_for_file);
        }
        try {
            changes().log().require_sound();  // else the file would grow, and its log never say so
        } catch (error const&) {
            file.grow.unlock();
            throw;
        }
        growing_.push_back(&file);
        return true;
    }
    [[nodiscard]] std::uint64_t appended_to(file_type const& file) noexcept {
        std::uint64_t sum = 0;
        for_each([&](page& one) {
            sum += one.file == &file && one.from == origin::appended ? 1U : 0U;
        });
        return sum;
    }
    void stop_growing() noexcept {
        for (auto* const file : growing_) { file->grow.unlock(); }
        growing_.clear();
    }

    // The record.

    /// How many pages are changed.
    [[nodiscard]] std::uint32_t find_differences() {
        ranges_.clear();
        std::uint32_t parts = 0;
        for_each([&](page& one) {
            core_.frames.unpoison(one.at.number());
            one.whole = one.replaced;
            if (one.lent && !one.whole) {
                auto const size =
                    find_difference({one.before.get(), Core::page_size},
                                    core_.frames.bytes(one.at), one.file->first_unsealed(),
                                    ranges_);
                one.whole = size >= Core::page_size;
                one.lent = size > 0;
            }
            one.ranges_end = ranges_.size();
            parts += one.lent ? 1U : 0U;
        });
        return parts;
    }
    [[nodiscard]] std::span<std::byte const> put_together(std::uint32_t parts,
                                                          std::uint64_t since) {
        record_writer record{record_};
        record.put(change_tag::change);
        record.put(parts);
        std::size_t first = 0;
        for_each([&](page& one) {
            std::span const ranges{ranges_.data() + first, one.ranges_end - first};
            first = one.ranges_end;
            if (!one.lent) { return; }
            auto const number = one.file->log_number.load(std::memory_order_relaxed);
            if (number == left_its_log) {
                throw one.file->failure(errc::in_use, "commit", one.id, 0, leaving);
            }
            std::span<std::byte const> const bytes = core_.frames.bytes(one.at);
            auto const no = one.id.page();
            one.whole = one.whole || (*one.file->imaged)[no] <= since;
            if (one.whole) { return record.put_image(number, no.value(), bytes); }
            record.begin_ranges(number, no.value(), static_cast<std::uint32_t>(ranges.size()));
            for (auto const& range : ranges) {
                if (range.is_move()) { record.put_move(range.offset, range.size, range.from); }
            }
            for (auto const& range : ranges) {
                if (range.is_move()) { continue; }
                record.put_range(range.offset, bytes.subspan(range.offset, range.size));
            }
        });
        return record.record();
    }
    /// Expects: the log's order is held.
    void note_logged(std::uint64_t lsn) noexcept {
        for_each([&](page& one) {
            if (!one.lent || !one.whole) { return; }
            (*one.file->imaged)[one.id.page()] = lsn;
            changes().note_page(one.file->log_number.load(std::memory_order_relaxed),
                                one.id.page());
        });
    }

    // The end.

    /// First everything becomes as it is to be seen, then it is seen: a page may tell of another.
    void let_go(std::uint64_t lsn) noexcept {
        for_each([&](page& one) {
            if (one.from == origin::appended) {
                one.file->page_count.store(one.id.page().value() + 1, std::memory_order_release);
            }
            if (one.lent) {
                one.at.header->logged(lsn);
                core_.modified(one.at, one.id);
            }
        });
        for_each([&](page& one) { core_.template leave<access::exclusive>(one.at, one.id); });
        ids_.clear();
        stop_growing();
    }
    void restore(page& one) noexcept {
        if (one.lent) {
            core_.frames.unpoison(one.at.number());
            std::memcpy(core_.frames.bytes(one.at).data(), one.before.get(), Core::page_size);
            core_.modified(one.at, one.id);
        }
        core_.template leave<access::exclusive>(one.at, one.id);
    }
    void forget(page& one) noexcept {
        auto& frame = *one.at.header;
        if (frame.written_back(frame.version.load(std::memory_order_relaxed))) {
            one.file->now_clean(one.at.number());
        }
        core_.note_left(one.at, one.id);
        core_.resident.evict_latched(one.at.number(), one.id);
        core_.evictor.put_into_free_list(one.at.number());
    }

    Core& core_;
    std::vector<page_id> ids_;                  ///< of the pages that are in use
    std::vector<std::unique_ptr<page>> pages_;  ///< those, then others
    std::vector<file_type*> growing_;  ///< files whose grow latch is held
    std::vector<byte_range> ranges_;
    std::vector<std::byte> record_;
};

}  // namespace quire::inline QUIRE_ABI::detail
