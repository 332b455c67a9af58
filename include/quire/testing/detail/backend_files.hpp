// SPDX-License-Identifier: BSL-1.0
#pragma once

/// backend_files: the part of check_backend that opens, locks, sizes and closes.

#include <quire/testing/detail/backend_parts.hpp>

#include <cerrno>  // ENOENT, EEXIST

namespace quire::inline QUIRE_ABI::testing::detail {

template <file_backend Backend>
class backend_files : backend_parts<Backend> {
    using parts = backend_parts<Backend>;
    using parts::b_;
    using parts::done;
    using parts::found_;
    using parts::part;
    using parts::refused;
    using parts::suffix_;
    using parts::writing;
    using typename parts::fresh;
    using typename parts::opened;

public:
    backend_files(report& found, typename parts::bench& b) : parts{found, b, "-f"} {}

    void run() {
        part(backend_rules::missing, [this] { opens_what_is_missing(); });
        part(backend_rules::keeps, [this] { opens_what_exists(); });
        part(backend_rules::replaces, [this] { replaces_what_exists(); });
        if (b_.trial.locks) {
            part(backend_rules::locks, [this] { locks_out(); });
            part(backend_rules::ranges, [this] { locks_ranges(); });
        }
        part(backend_rules::resize, [this] { resizes(); });
        part(backend_rules::too_large, [this] { refuses_sizes(); });
        part(backend_rules::read_only, [this] { refuses_writes(); });
        part(backend_rules::moved, [this] { moves(); });
    }

private:
    void opens_what_is_missing() {
        for (auto mode : {open_mode::read_only, open_mode::read_write}) {
            refused(mode, errc::open_failed, ENOENT, backend_rules::missing);
        }
        for (auto mode :
             {open_mode::open_or_create, open_mode::create_or_replace, open_mode::create_new}) {
            opened made{b_, mode, suffix_ + "-" + std::to_string(static_cast<int>(mode))};
            found_.expect(made.file.size() == 0 && made.file.writable(), backend_rules::missing,
                          "made, but not empty and writable");
            found_.expect(made.close() == 0, backend_rules::close);
        }
    }

    void opens_what_exists() {
        {
            fresh made{*this, 2};
            b_.fill(1);
            found_.need(b_.write(made.file, 1, 1) == 0, backend_rules::read_back, "a write");
            found_.expect(b_.backend.sync(made.file) == 0, backend_rules::sync);
            found_.expect(made.close() == 0, backend_rules::close);
        }
        refused(open_mode::create_new, errc::open_failed, EEXIST, backend_rules::exists);
        for (auto mode : {open_mode::read_only, open_mode::read_write, open_mode::open_or_create}) {
            opened again{b_, mode, suffix_};
            found_.expect(again.file.size() == 2 * b_.trial.page_size, backend_rules::keeps,
                          "size");
            found_.expect(again.file.writable() == (mode != open_mode::read_only),
                          backend_rules::keeps, "writable");
            found_.expect(b_.reads_zero(again.file, 0) && b_.reads_as(again.file, 1, 1),
                          backend_rules::keeps, "bytes");
            found_.expect(b_.backend.sync(again.file) == 0 || !again.file.writable(),
                          backend_rules::sync);
        }
    }

    void replaces_what_exists() {
        {
            fresh made{*this, 2};
            b_.fill(1);
            found_.need(b_.write(made.file, 1, 1) == 0, backend_rules::read_back, "a write");
            if (b_.trial.locks) {
                refused(open_mode::create_or_replace, errc::file_locked, 0,
                        backend_rules::replaces);
                found_.expect(made.file.size() == 2 * b_.trial.page_size &&
                                  b_.reads_as(made.file, 1, 1),
                              backend_rules::replaces, "the content of a refused file");
            }
        }
        opened again{b_, open_mode::create_or_replace, suffix_};
        found_.expect(again.file.size() == 0 && again.file.writable(), backend_rules::replaces,
                      "opened, but not empty and writable");
        found_.need(b_.resize(again.file, 2) == 0, backend_rules::resize, "not 0");
        found_.expect(b_.reads_zero(again.file, 1), backend_rules::replaces,
                      "bytes from before are there again");
    }

    void locks_out() {
        auto const locked = [this](open_mode mode) {
            refused(mode, errc::file_locked, 0, backend_rules::locks);
        };
        fresh made{*this, 1};
        for (auto mode : {open_mode::read_only, open_mode::read_write, open_mode::open_or_create,
                          open_mode::create_or_replace}) {
            locked(mode);
        }
        { fresh const other{*this, 1, "-other"}; }
        found_.expect(made.close() == 0, backend_rules::close);
        found_.expect(b_.backend.close(made.file) == 0, backend_rules::close, "once more");
        {
            opened one{b_, open_mode::read_only, suffix_};
            opened two{b_, open_mode::read_only, suffix_};
            locked(open_mode::read_write);
            found_.expect(one.close() == 0, backend_rules::close);
            locked(open_mode::open_or_create);
        }
        opened writer{b_, open_mode::read_write, suffix_};
        locked(open_mode::read_only);
    }

    void locks_ranges() {
        { fresh const made{*this, 1}; }
        constexpr auto reads = open_mode::read_only;
        constexpr auto writes = open_mode::read_write;
        constexpr file_lock front{.first = 0, .count = 10};
        constexpr file_lock behind{.first = 10, .count = 5};
        constexpr file_lock far{.first = std::uint64_t{1} << 40, .count = 1};
        constexpr file_lock both{.first = 9, .count = 2};
        auto const locked = [this](open_mode mode, file_lock const& lock) {
            refused(mode, errc::file_locked, 0, backend_rules::locks, lock);
        };
        {
            opened one{b_, writes, suffix_, front};
            opened two{b_, writes, suffix_, behind};
            opened const three{b_, writes, suffix_, far};  // behind the file's end
            opened const free_reader{b_, reads, suffix_, file_lock::none};
            opened const free_writer{b_, writes, suffix_, file_lock::none};
            locked(writes, both);
            locked(reads, both);
            locked(reads, file_lock::whole);
            locked(writes, far);
            found_.expect(one.close() == 0, backend_rules::close);
            locked(writes, both);
            found_.expect(two.close() == 0, backend_rules::close);
            opened const again{b_, writes, suffix_, both};
        }
        opened const one{b_, reads, suffix_, both};
        opened const two{b_, reads, suffix_, front};
        locked(writes, behind);
        opened const writer{b_, writes, suffix_, far};
    }

    void resizes() {
        fresh made{*this, 0};
        b_.fill(1);
        auto const sized = [&](std::uint64_t pages) {
            found_.need(b_.resize(made.file, pages) == 0, backend_rules::resize, "not 0");
            found_.expect(made.file.size() == pages * b_.trial.page_size, backend_rules::resize,
                          "size");
        };
        for (std::uint64_t pages : {1U, 7U, 7U, 8U}) {
            sized(pages);
            found_.expect(b_.reads_zero(made.file, pages - 1), backend_rules::resize, "no zeros");
        }
        for (std::uint64_t page = 0; page < 8; ++page) {
            found_.need(b_.write(made.file, page, 1) == 0, backend_rules::read_back, "a write");
        }
        sized(3);
        found_.expect(b_.reads_as(made.file, 2, 1), backend_rules::resize, "a page that is left");
        found_.expect(b_.read(made.file, 3, 2) == io_ended, backend_rules::past_end, "cut off");
        sized(8);
        for (std::uint64_t page = 3; page < 8; ++page) {
            found_.expect(b_.reads_zero(made.file, page), backend_rules::resize,
                          "bytes that were cut off are there again");
        }
        sized(0);
    }

    void refuses_sizes() {
        fresh made{*this, 2};
        b_.fill(1);
        found_.need(b_.write(made.file, 1, 1) == 0, backend_rules::read_back, "a write");
        auto const huge = (std::uint64_t{1} << 63) + b_.trial.page_size;
        found_.expect(b_.backend.resize(made.file, huge) != 0, backend_rules::too_large, "was 0");
        found_.expect(made.file.size() == 2 * b_.trial.page_size, backend_rules::too_large, "size");
        found_.expect(b_.reads_as(made.file, 1, 1), backend_rules::too_large, "bytes");
    }

    void refuses_writes() {
        { fresh const made{*this, 2}; }
        opened file{b_, open_mode::read_only, suffix_};
        b_.fill(1);
        for (int const e : done({b_.page_op(writing, file.file, 0, 1),
                                 b_.page_op(writing, file.file, 1, 1)})) {
            found_.expect(e > 0, backend_rules::read_only, "a write without an errno");
        }
        found_.expect(b_.reads_zero(file.file, 0), backend_rules::read_only, "bytes");
        for (std::uint64_t pages : {0U, 1U, 5U}) {
            found_.expect(b_.resize(file.file, pages) != 0, backend_rules::read_only, "was 0");
            found_.expect(file.file.size() == 2 * b_.trial.page_size, backend_rules::read_only,
                          "size");
        }
    }

    void moves() {
        fresh from{*this, 1};
        b_.fill(1);
        auto to = std::move(from.file);
        found_.expect(to.size() == b_.trial.page_size && to.writable(), backend_rules::moved);
        found_.expect(b_.write(to, 0, 1) == 0 && b_.reads_as(to, 0, 1), backend_rules::moved,
                      "write and read");
        if (b_.trial.locks) {
            refused(open_mode::read_only, errc::file_locked, 0, backend_rules::moved);
        }
        from.file = std::move(to);
    }
};

}  // namespace quire::inline QUIRE_ABI::testing::detail
