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
/// A disk writes sectors of 512 bytes in any order and promises nothing before a sync. So after a
/// crash each sector holds what was last durable there, or any one of what was written to it since;
/// the file has its durable size or any that it was given since; and where it has grown, a sector
/// may read as zeros. A `crash_states` is all these combinations: state 0 is what is durable, the
/// last one is what a reader sees now.
///
/// What could be left before a sync cannot be seen after it. Every state of a whole run is one at
/// one of its syncs or at its end: `before_sync` is called at the former.
///
/// A sync that lies (`sync_lies`) reports success and makes nothing durable: who checks crash
/// states sees by it whether the check can fail.
///
/// Expects: sizes, offsets and transfers are whole sectors; `before_sync` does not throw.
/// Threads: any, as memory_backend; `before_sync` and `sync_lies` are set while nobody uses the
/// disk. What another thread writes between `before_sync` and the end of that sync is synced, too.
/// Cost: a sync copies the file; unsynced sectors are all kept.

#include <quire/io/memory_backend.hpp>

#include <algorithm>   // std::copy_n, std::remove
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
        for (auto const& [sector, contents] : sectors_) {
            if (__builtin_mul_overflow(product, contents.size() + 1, &product)) {
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
        auto const size = sizes_[choose(sizes_.size())];
        made.resize(size);
        for (auto const& [sector, contents] : sectors_) {
            auto const which = choose(contents.size() + 1);
            auto const at = sector * sector_size;
            if (which == 0 || at >= size) { continue; }
            std::copy_n(contents[which - 1].begin(), std::min(sector_size, size - at),
                        made.begin() + static_cast<std::ptrdiff_t>(at));
        }
        return made;
    }

private:
    friend class crash_backend;

    explicit crash_states(bytes durable) : durable_{std::move(durable)} {
        sizes_.push_back(durable_.size());
    }

    void wrote(std::uint64_t offset, std::span<std::byte const> what) {
        for (; !what.empty(); offset += sector_size) {
            auto const part = what.first(std::min(sector_size, what.size()));
            add(offset / sector_size, {part.begin(), part.end()});
            what = what.subspan(part.size());
        }
    }
    void resized(std::uint64_t from, std::uint64_t to) {
        sizes_.erase(std::remove(sizes_.begin() + 1, sizes_.end(), to), sizes_.end());
        sizes_.push_back(to);
        for (auto at = from; at < to; at += sector_size) {
            add(at / sector_size, bytes(sector_size));
        }
    }
    /// The newest content is the last one. A sector that has only ever had one is certain.
    void add(std::uint64_t sector, bytes content) {
        auto& contents = sectors_[sector];
        std::erase(contents, content);
        if (contents.empty() && is_durable(sector, content)) {
            sectors_.erase(sector);
        } else {
            contents.push_back(std::move(content));
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

    bytes durable_;
    std::vector<std::uint64_t> sizes_;                     // the first is durable
    std::map<std::uint64_t, std::vector<bytes>> sectors_;  // by number: what was written since
};

/// Files and what is durable of them. Made by the caller, shared by the pools that use it.
class crash_disk {
public:
    /// What a crash now can leave of a file. Expects: it has been opened.
    [[nodiscard]] crash_states states(std::string const& name) const {
        std::lock_guard const hold{mutex_};
        return unsynced_.at(name);
    }

    /// Called with a file's name when it is about to be synced, by the thread that does it.
    std::function<void(std::string const& name)> before_sync{};
    bool sync_lies = false;

private:
    friend class crash_backend;

    std::shared_ptr<memory_store> store_ = std::make_shared<memory_store>();
    mutable std::mutex mutex_;
    std::map<std::string, crash_states> unsynced_;
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
        f.inner_ = inner_.open(request);
        f.name_ = request.path;
        std::lock_guard const hold{disk_->mutex_};
        disk_->unsynced_.try_emplace(f.name_, crash_states{disk_->store_->bytes(f.name_)});
        return f;
    }

    void submit(std::span<io_op<file>> ops) noexcept {
        std::lock_guard const hold{disk_->mutex_};
        for (auto& op : ops) {
            io_op<memory_backend::file> inner{op.verb, &op.file->inner_, op.offset, op.bytes};
            inner_.submit({&inner, 1});
            if (op.verb == io_verb::write && inner.error == 0) {
                states_of(*op.file).wrote(op.offset, op.bytes);
            }
            op.error = inner.error;
            op.complete = true;
        }
    }

    [[nodiscard]] std::size_t reap(std::chrono::nanoseconds) noexcept { return 0; }

    [[nodiscard]] int sync(file& f) noexcept {
        if (disk_->before_sync) { disk_->before_sync(f.name_); }
        std::lock_guard const hold{disk_->mutex_};
        if (!disk_->sync_lies) {
            states_of(f) = crash_states{disk_->store_->bytes(f.name_)};
        }
        return 0;
    }

    [[nodiscard]] int resize(file& f, std::uint64_t bytes) noexcept {
        std::lock_guard const hold{disk_->mutex_};
        auto const before = f.inner_.size();
        int const failed = inner_.resize(f.inner_, bytes);
        if (failed == 0) { states_of(f).resized(before, bytes); }
        return failed;
    }

    [[nodiscard]] int close(file& f) noexcept { return inner_.close(f.inner_); }

private:
    [[nodiscard]] crash_states& states_of(file const& f) noexcept {
        return disk_->unsynced_.find(f.name_)->second;
    }

    std::shared_ptr<crash_disk> disk_;
    memory_backend inner_;
};

static_assert(file_backend<crash_backend>);

}  // namespace quire::inline QUIRE_ABI::testing
