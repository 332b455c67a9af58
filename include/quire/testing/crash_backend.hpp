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
/// A disk writes sectors in any order and promises nothing before a sync; and a sync
/// covers what was complete when it began. So after a crash each sector holds what was last durable
/// there, or any one of what was written to it since; the file has its durable size or any that it
/// was given since; and where it has grown, a sector may read as zeros. A `crash_states` is all
/// these combinations.
///
///   a write is       the disk may have each of its sectors    the next sync covers it
///   submitted        yes                                      no
///   handed out       yes                                      yes
///   handed out with  yes, and also what a reader finds        what a reader finds
///   an error
///
/// The transfers are done by an inner backend, which may hand out its ops in `submit` or in `reap`.
/// It keeps its files in the disk's memory_store: its options, or those of the backend inside it,
/// have a member `store`. A write past the file's end, or to a file opened for reading, never
/// reaches the disk.
///
/// A sync drops the states that were possible before it. A test that wants every state of a run of
/// one thread looks at them in `before_sync`, and once more at the end. With writes in flight it
/// looks after each submit, too. A crash during recovery is tried with a second disk: `assign`
/// gives it the bytes of a state.
///
/// A sector is 512 bytes, so a page may be torn. `sector_bytes` of a page's size is a disk that
/// writes pages whole or not at all.
///
/// A sync that lies (`sync_lies`) reports success and makes nothing durable. A test of crash states
/// must fail with it; else it tests nothing.
///
/// Expects: `before_sync` does not throw. When memory runs out, the program ends.
/// Threads: any, as the inner backend; `before_sync` and `sync_lies` are set while no thread uses
/// the disk.
/// Cost: a write copies its sectors, and all contents are kept until the next sync.

#include <quire/io/memory_backend.hpp>
#include <quire/testing/crash_states.hpp>
#include <quire/testing/detail/crash_history.hpp>

#include <algorithm>   // std::partition
#include <functional>  // std::function
#include <memory>      // std::shared_ptr
#include <set>         // std::set

namespace quire::inline QUIRE_ABI::testing {

template <file_backend Inner>
class crash_backend_over;

/// Files and what is durable of them. Made by the caller, shared by the pools that use it.
class crash_disk {
public:
    /// What a crash now can leave of a file. Expects: it has been opened.
    [[nodiscard]] crash_states states(std::string const& name) const {
        std::lock_guard const hold{mutex_};
        return files_.at(name).states();
    }
    /// What a crash now can leave of every file, all at one moment.
    [[nodiscard]] std::map<std::string, crash_states> states() const {
        std::lock_guard const hold{mutex_};
        std::map<std::string, crash_states> all;
        for (auto const& [name, history] : files_) { all.emplace(name, history.states()); }
        return all;
    }
    /// Makes a file whose bytes are durable. Expects: it is not open.
    void assign(std::string const& name, std::vector<std::byte> bytes) {
        std::lock_guard const hold{mutex_};
        files_.insert_or_assign(name, detail::crash_history{bytes, sector_bytes});
        store_->assign(name, std::move(bytes));
    }

    /// Called with a file's name before it is synced, by the thread that syncs.
    std::function<void(std::string const& name)> before_sync{};
    bool sync_lies = false;
    /// What the disk writes whole or not at all. Set before the first file is opened or assigned.
    std::uint64_t sector_bytes = 512;

private:
    template <file_backend Inner>
    friend class crash_backend_over;

    std::shared_ptr<memory_store> store_ = std::make_shared<memory_store>();
    mutable std::mutex mutex_;  // guards what follows
    std::map<std::string, detail::crash_history> files_;
    std::uint64_t time_ = 0;
};

template <file_backend Inner>
class crash_backend_over {
public:
    struct options {
        /// A disk of the pool's own when none is given.
        std::shared_ptr<crash_disk> disk{};
        /// Its `store` is replaced by the disk's.
        typename Inner::options inner{};
    };

    class file {
    public:
        file() = default;
        [[nodiscard]] std::uint64_t size() const { return inner_.size(); }
        [[nodiscard]] io_mode mode() const noexcept { return inner_.mode(); }
        [[nodiscard]] bool writable() const noexcept { return inner_.writable(); }

    private:
        friend crash_backend_over;
        typename Inner::file inner_;
        std::string name_;
    };
    using op = io_op<file>;

    explicit crash_backend_over(std::span<std::byte> arena, options const& given)
        : disk_{given.disk != nullptr ? given.disk : std::make_shared<crash_disk>()},
          inner_{arena, with_store(given.inner)} {}

    /// Errors: as the inner backend.
    [[nodiscard]] file open(open_request const& request) {
        file f;
        f.name_ = request.path;
        std::lock_guard const hold{disk_->mutex_};
        auto const before = disk_->store_->bytes(f.name_).size();
        f.inner_ = inner_.open(request);
        auto const [at, fresh] =
            disk_->files_.try_emplace(f.name_, disk_->store_->bytes(f.name_), disk_->sector_bytes);
        if (request.mode == open_mode::create_or_replace && !fresh) {
            at->second.resized(++disk_->time_, before, 0);
        }
        return f;
    }

    std::size_t submit(std::span<op*> ops) noexcept {
        std::vector<inner_op*> inner;
        {
            std::lock_guard const hold{disk_->mutex_};
            for (auto* each : ops) { inner.push_back(begin(*each)); }
        }
        auto const count = inner_.submit(inner);
        // The others may have been reaped by now, and their records with them.
        std::set<op*> complete;
        for (auto* each : std::span{inner}.first(count)) { complete.insert(finish(each)); }
        std::partition(ops.begin(), ops.end(), [&](op* each) { return complete.contains(each); });
        return count;
    }

    std::size_t reap(std::span<op*> done, std::chrono::nanoseconds wait) noexcept {
        std::vector<inner_op*> inner(done.size());
        auto const count = inner_.reap(inner, wait);
        for (std::size_t i = 0; i < count; ++i) { done[i] = finish(inner[i]); }
        return count;
    }
    void interrupt() noexcept { inner_.interrupt(); }
    [[nodiscard]] std::size_t in_flight_max() const noexcept { return in_flight_max_of(inner_); }

    [[nodiscard]] int sync(file& f) noexcept {
        std::unique_lock hold{disk_->mutex_};
        auto const begin = disk_->time_;
        hold.unlock();
        if (disk_->before_sync) { disk_->before_sync(f.name_); }
        if (int const failed = inner_.sync(f.inner_); failed != 0) { return failed; }
        hold.lock();
        if (!disk_->sync_lies) { history_of(f).synced(begin); }
        return 0;
    }

    [[nodiscard]] int resize(file& f, std::uint64_t bytes) noexcept {
        std::lock_guard const hold{disk_->mutex_};
        auto const before = f.inner_.size();
        int const failed = inner_.resize(f.inner_, bytes);
        if (failed == 0) { history_of(f).resized(++disk_->time_, before, bytes); }
        return failed;
    }

    [[nodiscard]] int close(file& f) noexcept { return inner_.close(f.inner_); }

private:
    using inner_op = io_op<typename Inner::file>;
    /// The op that the inner backend has, and hands out.
    struct record : inner_op {
        op* outer;
        std::uint64_t begin;  // 0: changes nothing
    };

    template <class Options>
    static void put_store(Options& given, std::shared_ptr<memory_store> const& store) {
        if constexpr (requires { given.store = store; }) {
            given.store = store;
        } else {
            put_store(given.inner, store);
        }
    }
    [[nodiscard]] typename Inner::options with_store(typename Inner::options given) const {
        put_store(given, disk_->store_);
        return given;
    }

    /// A record for `outer`. The disk's mutex is held.
    [[nodiscard]] inner_op* begin(op& outer) {
        auto& of = outer.file->inner_;
        std::uint64_t time = 0;
        if (outer.verb == io_verb::write && of.writable() && outer.offset <= of.size() &&
            outer.bytes.size() <= of.size() - outer.offset) {
            time = ++disk_->time_;
            history_of(*outer.file).began(time, outer.offset, outer.bytes);
        }
        inner_op const same{outer.verb, &of, outer.offset, outer.bytes, outer.error};
        return new record{same, &outer, time};
    }
    /// The op of a record that the inner backend has handed out.
    [[nodiscard]] op* finish(inner_op* handed_out) {
        std::unique_ptr<record> const r{static_cast<record*>(handed_out)};
        auto* const outer = r->outer;
        outer->error = r->error;
        if (r->begin == 0) { return outer; }
        std::lock_guard const hold{disk_->mutex_};
        auto& history = history_of(*outer->file);
        history.completed(r->begin, ++disk_->time_, r->offset, r->bytes.size());
        if (r->error != 0) {
            history.found(++disk_->time_, r->offset, r->bytes.size(),
                          disk_->store_->bytes(outer->file->name_));
        }
        return outer;
    }

    [[nodiscard]] detail::crash_history& history_of(file const& f) noexcept {
        return disk_->files_.find(f.name_)->second;
    }

    std::shared_ptr<crash_disk> disk_;
    Inner inner_;
};

/// A crash_backend_over whose transfers are complete in `submit`.
using crash_backend = crash_backend_over<memory_backend>;

static_assert(file_backend<crash_backend>);

}  // namespace quire::inline QUIRE_ABI::testing
