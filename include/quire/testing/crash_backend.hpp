// SPDX-License-Identifier: BSL-1.0
#pragma once

/// crash_backend: files in memory that remember what a loss of power could leave of them.
///
///     auto disk = std::make_shared<quire::testing::crash_disk>();
///     quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch, quire::testing::crash_backend>
///         pool{{.backend = {disk}}};
///     ...
///     auto const left = disk->states("f");
///     for (std::uint64_t n = 0; n < left.count(); ++n) {
///         auto store = std::make_shared<quire::memory_store>();
///         store->assign("f", left.state(n));
///         ...  // a pool over quire::memory_backend with .backend = {store}: what does it find?
///     }
///
/// A disk writes sectors of 512 bytes in any order and promises nothing before a sync; and a sync
/// covers what was complete when it began. So after a crash each sector holds what was last durable
/// there, or any one of what was written to it since; the file has its durable size or any that it
/// was given since; and where it has grown, a sector may read as zeros. A `crash_states` is all
/// these combinations: state 0 is what is durable, the last one is what a reader sees now.
///
/// What could be left before a sync cannot be seen after it. Every state of a run of one thread is
/// one at one of its syncs or at its end: `before_sync` is called at the former. A crash while a
/// program recovers is one of a disk that began as `assign` says.
///
/// A sync that lies (`sync_lies`) reports success and makes nothing durable: who checks crash
/// states sees by it whether the check can fail.
///
/// Expects: `before_sync` does not throw. Memory that cannot be had ends the program.
/// Threads: any, as memory_backend; `before_sync` and `sync_lies` are set while nobody uses the
/// disk.
/// Cost: a sync copies the file; unsynced sectors are all kept.

#include <quire/io/memory_backend.hpp>

#include <algorithm>   // std::copy_n, std::min
#include <functional>  // std::function

namespace quire::inline QUIRE_ABI::testing {

/// What a crash at some moment can leave of a file.
class crash_states {
public:
    using bytes = std::vector<std::byte>;
    static constexpr std::size_t sector_size = 512;

    /// How many; 2^64 - 1 if that or more.
    [[nodiscard]] std::uint64_t count() const noexcept {
        std::uint64_t product = sizes_.size();
        for (auto const& [sector, versions] : sectors_) {
            if (__builtin_mul_overflow(product, versions.size() + 1, &product)) {
                return ~std::uint64_t{0};
            }
        }
        return product;
    }

    /// The bytes of the file after the crash. Expects: n < count().
    [[nodiscard]] bytes state(std::uint64_t n) const {
        return state_by([&](std::uint64_t choices) {
            auto const chosen = n % choices;
            n /= choices;
            return chosen;
        });
    }

    /// The state that `choose(k)`, a number below k, leads to; asked for the size and for each
    /// sector that is not certain. 0 is what is durable, k - 1 what is newest.
    template <class Choose>
    [[nodiscard]] bytes state_by(Choose choose) const {
        auto made = durable_;
        auto const size = sizes_[choose(sizes_.size())].bytes;
        made.resize(size);
        for (auto const& [sector, versions] : sectors_) {
            auto const which = choose(versions.size() + 1);
            auto const at = sector * sector_size;
            if (which == 0 || at >= size) { continue; }
            std::copy_n(versions[which - 1].content.begin(), std::min(sector_size, size - at),
                        made.begin() + static_cast<std::ptrdiff_t>(at));
        }
        return made;
    }

private:
    friend class crash_backend;
    friend class crash_disk;

    explicit crash_states(bytes durable) : durable_{std::move(durable)} {
        sizes_.push_back({0, durable_.size()});
    }

    /// A content, and when it came.
    struct version {
        std::uint64_t when;
        bytes content;
    };

    /// `what` is whole sectors from the one at `offset` on.
    void wrote(std::uint64_t when, std::uint64_t offset, std::span<std::byte const> what) {
        for (; !what.empty(); offset += sector_size) {
            auto const part = what.first(sector_size);
            add(when, offset / sector_size, {part.begin(), part.end()});
            what = what.subspan(sector_size);
        }
    }
    void resized(std::uint64_t when, std::uint64_t to) {
        std::erase_if(sizes_, [&](auto const& size) { return size.when != 0 && size.bytes == to; });
        sizes_.push_back({when, to});
    }
    /// What had come by `when` is durable, and made `now`.
    void synced(std::uint64_t when, bytes now) {
        crash_states left{std::move(now)};
        for (auto const& size : sizes_) {
            if (size.when > when) { left.resized(size.when, size.bytes); }
        }
        for (auto& [sector, versions] : sectors_) {
            for (auto& one : versions) {
                if (one.when > when) { left.add(one.when, sector, std::move(one.content)); }
            }
        }
        *this = std::move(left);
    }
    /// The newest content is the last one. A sector that has only ever had one is certain.
    void add(std::uint64_t when, std::uint64_t sector, bytes content) {
        auto& versions = sectors_[sector];
        std::erase_if(versions, [&](version const& one) { return one.content == content; });
        if (versions.empty() && is_durable(sector, content)) {
            sectors_.erase(sector);
        } else {
            versions.push_back({when, std::move(content)});
        }
    }
    [[nodiscard]] bool is_durable(std::uint64_t sector, bytes const& content) const {
        for (std::size_t i = 0; i < content.size(); ++i) {
            auto const at = sector * sector_size + i;
            auto const there = at < durable_.size() ? durable_[at] : std::byte{0};
            if (content[i] != there) { return false; }
        }
        return true;
    }

    struct size_type {
        std::uint64_t when;
        std::uint64_t bytes;
    };

    bytes durable_;
    std::vector<size_type> sizes_;                           // the first is durable
    std::map<std::uint64_t, std::vector<version>> sectors_;  // by number: what was written since
};

/// Files and what is durable of them. Made by the caller, shared by the pools that use it.
class crash_disk {
public:
    /// What a crash now can leave of a file. Expects: it has been opened.
    [[nodiscard]] crash_states states(std::string const& name) const {
        std::lock_guard const hold{mutex_};
        return unsynced_.at(name);
    }
    /// The same of every file, at one moment.
    [[nodiscard]] std::map<std::string, crash_states> states() const {
        std::lock_guard const hold{mutex_};
        return unsynced_;
    }
    /// Makes a file whose bytes are durable. Expects: it is not open.
    void assign(std::string const& name, std::vector<std::byte> bytes) {
        std::lock_guard const hold{mutex_};
        unsynced_.insert_or_assign(name, crash_states{bytes});
        store_->assign(name, std::move(bytes));
    }

    /// Called with a file's name when it is about to be synced, by the thread that does it.
    std::function<void(std::string const& name)> before_sync{};
    bool sync_lies = false;

private:
    friend class crash_backend;

    std::shared_ptr<memory_store> store_ = std::make_shared<memory_store>();
    mutable std::mutex mutex_;
    std::map<std::string, crash_states> unsynced_;
    std::uint64_t changes_ = 0;
};

class crash_backend {
public:
    struct options {
        /// A disk of the pool's own when none is given.
        std::shared_ptr<crash_disk> disk{};
    };

    class file {
    public:
        file() = default;
        [[nodiscard]] std::uint64_t size() const { return inner_.size(); }
        [[nodiscard]] io_mode mode() const noexcept { return inner_.mode(); }
        [[nodiscard]] bool writable() const noexcept { return inner_.writable(); }

    private:
        friend crash_backend;
        memory_backend::file inner_;
        std::string name_;
    };

    explicit crash_backend(std::span<std::byte> arena, options const& given)
        : disk_{given.disk != nullptr ? given.disk : std::make_shared<crash_disk>()},
          inner_{arena, {disk_->store_}} {}

    /// Errors: as memory_backend.
    [[nodiscard]] file open(open_request const& request) {
        file f;
        f.name_ = request.path;
        std::lock_guard const hold{disk_->mutex_};
        f.inner_ = inner_.open(request);
        disk_->unsynced_.try_emplace(f.name_, crash_states{disk_->store_->bytes(f.name_)});
        return f;
    }

    void submit(std::span<io_op<file>> ops) noexcept {
        std::lock_guard const hold{disk_->mutex_};
        for (auto& op : ops) {
            io_op<memory_backend::file> inner{op.verb, &op.file->inner_, op.offset, op.bytes};
            inner_.submit({&inner, 1});
            if (op.verb == io_verb::write && inner.error == 0) {
                note_change(*op.file, op.offset, op.offset + op.bytes.size());
            }
            op.error = inner.error;
            op.complete = true;
        }
    }

    [[nodiscard]] std::size_t reap(std::chrono::nanoseconds) noexcept { return 0; }

    [[nodiscard]] int sync(file& f) noexcept {
        std::unique_lock hold{disk_->mutex_};
        auto const when = disk_->changes_;
        auto now = disk_->store_->bytes(f.name_);
        hold.unlock();
        if (disk_->before_sync) { disk_->before_sync(f.name_); }
        hold.lock();
        if (!disk_->sync_lies) { states_of(f).synced(when, std::move(now)); }
        return 0;
    }

    [[nodiscard]] int resize(file& f, std::uint64_t bytes) noexcept {
        std::lock_guard const hold{disk_->mutex_};
        auto const before = f.inner_.size();
        int const failed = inner_.resize(f.inner_, bytes);
        if (failed == 0) {
            states_of(f).resized(++disk_->changes_, bytes);
            note_change(f, before, bytes);
        }
        return failed;
    }

    [[nodiscard]] int close(file& f) noexcept { return inner_.close(f.inner_); }

private:
    /// Bytes `from` up to `to` are new: zeros, where the file has grown.
    void note_change(file& f, std::uint64_t from, std::uint64_t to) {
        if (from >= to) { return; }
        constexpr std::uint64_t sector = crash_states::sector_size;
        auto const first = from / sector * sector;
        std::vector<std::byte> now((to - first + sector - 1) / sector * sector);
        auto const inside = std::min<std::uint64_t>(now.size(), f.inner_.size() - first);
        io_op<memory_backend::file> read{io_verb::read, &f.inner_, first,
                                         std::span{now}.first(inside)};
        inner_.submit({&read, 1});
        states_of(f).wrote(++disk_->changes_, first, now);
    }

    [[nodiscard]] crash_states& states_of(file const& f) noexcept {
        return disk_->unsynced_.find(f.name_)->second;
    }

    std::shared_ptr<crash_disk> disk_;
    memory_backend inner_;
};

static_assert(file_backend<crash_backend>);

}  // namespace quire::inline QUIRE_ABI::testing
