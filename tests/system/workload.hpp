// SPDX-License-Identifier: BSL-1.0
#pragma once

/// workload: a little of everything that a pool does with a file, in a fixed order, by a user who
/// goes on after every error that has a type.
///
/// It says what was acknowledged to an outside_record, and looks at the pool's promises on the way:
/// a page reads as it was written last, also after its write failed; what could not grow or be cut
/// is as it was; a failed sync is sticky; what failed and was not a sync is tried again. The first
/// promise that is not kept is the record's `problem`.

#include "system/outside_record.hpp"

#include <map>

namespace quire_test {

class workload {
public:
    workload(std::filesystem::path const& path, outside_record& record)
        : path_{path.string()}, record_{record} {}

    void run() {
        try {
            open_and([&] { first_life(); });
            open_and([&] { second_life(); });
            if (std::filesystem::exists(path_)) {
                open_and([&] { read_all(); }, quire::open_mode::read_only);
            }
        } catch (std::exception const& e) {
            record_.report(std::string{"not typed: "} + e.what());
        }
    }

private:
    static constexpr std::uint32_t errors_max = 8;  // then the file is closed
    struct enough {};

    void first_life() {
        for (int i = 0; i < 6; ++i) { append(); }
        flush();
        for (std::uint64_t no = 0; no < 6; ++no) { write(no); }
        flush();
        read_all();
        truncate(5);
        reserve(4);
        append();
        write(0);
        write(3);
        flush();
        read_all();
        write(1);  // for close to write
    }
    void second_life() {
        read_all();
        write(1);
        write(4);
        flush();
        truncate(4);
        append();
        read_all();
    }

    // ---- steps ------------------------------------------------------------------------------

    /// Opens the file, three times at most, works, and closes it.
    template <class Work>
    void open_and(Work work, quire::open_mode mode = quire::open_mode::open_or_create) {
        plain_pool pool{frames(4)};
        for (int tries = 0; tries < 3 && !file_; ++tries) {
            attempt([&] { file_.emplace(pool.open(path_, mode, as_offered)); });
        }
        if (!file_) { return; }
        try {
            work();
        } catch (enough) {
        }
        close();
        file_.reset();
    }
    void append() {
        auto const pages = file_->pages();
        record_.grows_to(pages + 1);
        bool const done = attempt_change([&] {
            auto page = file_->append();
            newest_[pages] = record_.write(page);
        });
        expect(file_->pages() == pages + (done ? 1 : 0), "an append is done or not");
    }
    void write(std::uint64_t no) {
        if (no >= file_->pages()) { return; }  // its append failed
        attempt_change([&] {
            if (is_blank(no)) {
                auto page = file_->format(no);
                newest_[no] = record_.write(page);
            } else {
                auto page = file_->write(no);
                newest_[no] = record_.write(page);
            }
        });
    }
    /// Whether page `no` never was written, because a close had to discard it.
    bool is_blank(std::uint64_t no) {
        auto const failed = thrown_by([&] { static_cast<void>(file_->read(no)); });
        if (!failed) { return false; }
        if (failed->kind() != quire::errc::blank_page) { throw *failed; }
        expect(newest_[no] == 0 && record_.state().pages.at(no).acked == 0,
               "a page that was written is not blank");
        return true;
    }
    void read_all() {
        for (std::uint64_t no = 0; no < file_->pages(); ++no) {
            attempt([&] {
                if (is_blank(no)) { return; }
                auto const seen = version_on(*file_, no);
                auto& newest = newest_[no];
                if (newest == 0) { newest = seen; }  // closed and opened since
                expect(seen == newest, "a page reads as it was written last");
            });
        }
    }
    void flush() {
        for (int tries = 0; tries < 3; ++tries) {
            auto const failed = error_of_change([&] {
                record_.flush(*file_, [&] { file_->flush(); });
            });
            if (!failed) { return; }
        }
    }
    void truncate(std::uint64_t pages) {
        auto const before = file_->pages();
        if (pages >= before) { return; }
        bool const done = attempt_change([&] {
            record_.truncate(pages, [&] { file_->truncate(pages); });
        });
        expect(file_->pages() == (done ? pages : before), "a truncation is done or not");
        if (done) { newest_.erase(newest_.lower_bound(pages), newest_.end()); }
    }
    void reserve(std::uint64_t pages) {
        auto const before = file_->pages();
        record_.grows_to(before + pages);
        attempt_change([&] { file_->reserve(pages); });
        expect(file_->pages() == before, "reserving makes no page");
    }
    void close() {
        for (int tries = 0; tries < 3 && file_->is_open(); ++tries) {
            static_cast<void>(error_of_change([&] {
                record_.flush(*file_, [&] {
                    try {
                        file_->close();
                    } catch (quire::error const& e) {
                        if (e.kind() != quire::errc::close_failed) { throw; }
                        record_.note(e);  // written and synced all the same
                    }
                });
            }));
        }
        if (file_->is_open()) {
            static_cast<void>(error_of([&] { file_->close(quire::unwritten::discard); }));
            record_.discarded();
        }
        expect(!file_->is_open(), "a file can be closed, if need be without writing");
        sync_error_ = false;
        newest_.clear();
    }

    // ---- what came of them ------------------------------------------------------------------

    template <class Act>
    std::optional<quire::errc> error_of(Act act) {
        auto const failed = thrown_by(act);
        if (!failed) { return std::nullopt; }
        record_.note(*failed);
        sync_error_ = sync_error_ || failed->kind() == quire::errc::sync_failed;
        return failed->kind();
    }
    /// The same of what a file refuses once a sync of it has failed.
    template <class Act>
    std::optional<quire::errc> error_of_change(Act act) {
        bool const stopped = sync_error_;
        auto const failed = error_of(act);
        expect(!stopped || failed == quire::errc::sync_failed, "a failed sync is sticky");
        return failed;
    }
    template <class Act>
    bool attempt(Act act) {
        return ended_well(error_of(act));
    }
    template <class Act>
    bool attempt_change(Act act) {
        return ended_well(error_of_change(act));
    }
    bool ended_well(std::optional<quire::errc> failed) {
        bool const done = !failed;
        if (!done && file_ && record_.state().error_count > errors_max) { throw enough{}; }
        return done;
    }
    void expect(bool condition, char const* promise) {
        if (!condition) { throw std::logic_error{promise}; }
    }

    std::string path_;
    outside_record& record_;
    std::optional<plain_file> file_;
    std::map<std::uint64_t, std::uint64_t> newest_;  ///< version a page must show; 0: look
    bool sync_error_ = false;
};

}  // namespace quire_test
