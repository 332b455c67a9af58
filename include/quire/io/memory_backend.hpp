// SPDX-License-Identifier: BSL-1.0
#pragma once

/// memory_backend: files that live in memory, for tests, caches and measurements.
///
/// It behaves like a disk: sizes, ends of files, locks between openers, zeros where a file grew.
/// The files are in a `memory_store`, which outlives the pool, so that a file can be closed and
/// opened again by another pool. A transfer is one memcpy.
///
/// Invariants
///   I1. A file is open for one writer or any number of readers at a time, in the bytes that their
///       requests lock.
///   I2. `submit` completes every op before it returns; an op past the end reports io_ended.
///
/// Threads: pools in several threads may share a store.

#include <quire/io/file_backend.hpp>

#include <algorithm>     // std::find
#include <atomic>        // std::atomic
#include <cerrno>        // ENOENT, EBADF
#include <concepts>      // std::convertible_to
#include <cstddef>       // std::nullptr_t
#include <cstring>       // std::memcpy
#include <mutex>         // std::mutex
#include <shared_mutex>  // std::shared_mutex
#include <utility>       // std::move
#include <vector>        // std::vector

namespace quire::inline QUIRE_ABI {

/// Named files in memory. Made by the caller, shared by the pools that use it. A file stays as long
/// as its store.
class memory_store {
public:
    memory_store() = default;
    memory_store(memory_store const&) = delete;
    memory_store& operator=(memory_store const&) = delete;
    ~memory_store() {
        while (first_ != nullptr) { delete std::exchange(first_, first_->next); }
    }

    /// A copy of a file's bytes; empty when there is no such file.
    [[nodiscard]] std::vector<std::byte> bytes(std::string const& name) {
        std::lock_guard const hold{mutex_};
        auto* const found = find(name);
        if (found == nullptr) { return {}; }
        std::shared_lock const reading{found->mutex};
        return found->bytes;
    }
    /// Replaces a file's bytes, or makes the file.
    void assign(std::string const& name, std::vector<std::byte> bytes) {
        std::lock_guard const hold{mutex_};
        auto& content = find_or_make(name);
        std::unique_lock const writing{content.mutex};
        content.bytes = std::move(bytes);
    }

private:
    friend class memory_backend;
    struct held_lock {
        file_lock where;
        bool writes;
        friend bool operator==(held_lock const&, held_lock const&) = default;
    };
    struct content_type {
        std::string const name;
        content_type* const next;
        std::shared_mutex mutex{};
        std::vector<std::byte> bytes{};
        std::vector<held_lock> locks{};  // guarded by the store's mutex
    };

    [[nodiscard]] content_type* find(std::string const& name) const noexcept {
        auto* at = first_;
        while (at != nullptr && at->name != name) { at = at->next; }
        return at;
    }
    [[nodiscard]] content_type& find_or_make(std::string const& name) {
        auto* found = find(name);
        if (found == nullptr) { found = first_ = new content_type{name, first_}; }
        return *found;
    }
    void drop_newest() noexcept { delete std::exchange(first_, first_->next); }

    std::mutex mutex_;
    content_type* first_ = nullptr;
};

/// Leads to a memory_store and keeps it alive. Made from a std::shared_ptr, or any pointer that
/// owns one: so that a program without such files does not compile <memory>.
class memory_store_ptr {
public:
    memory_store_ptr() noexcept = default;
    memory_store_ptr(std::nullptr_t) noexcept {}
    template <class Pointer>
        requires requires(Pointer const& p) {
            { p.get() } -> std::convertible_to<memory_store*>;
        }
    memory_store_ptr(Pointer owner) {
        if (owner.get() != nullptr) { held_ = new kept<Pointer>{std::move(owner)}; }
    }
    /// A new store.
    [[nodiscard]] static memory_store_ptr make() {
        memory_store_ptr made;
        made.held_ = new own_store;
        return made;
    }
    memory_store_ptr(memory_store_ptr const& other) noexcept : held_{other.held_} {
        if (held_ != nullptr) { held_->uses.fetch_add(1, std::memory_order_relaxed); }
    }
    memory_store_ptr& operator=(memory_store_ptr other) noexcept {
        std::swap(held_, other.held_);
        return *this;
    }
    ~memory_store_ptr() {
        if (held_ != nullptr && held_->uses.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete held_;
        }
    }

    /// Null when there is none.
    [[nodiscard]] memory_store* get() const noexcept {
        return held_ == nullptr ? nullptr : held_->store;
    }
    [[nodiscard]] memory_store* operator->() const noexcept { return get(); }
    [[nodiscard]] memory_store& operator*() const noexcept { return *get(); }
    explicit operator bool() const noexcept { return get() != nullptr; }
    [[nodiscard]] bool operator==(std::nullptr_t) const noexcept { return get() == nullptr; }

private:
    struct holder {
        virtual ~holder() = default;
        memory_store* store = nullptr;
        std::atomic<int> uses{1};
    };
    template <class Pointer>
    struct kept final : holder {
        explicit kept(Pointer from) : owner{std::move(from)} { store = owner.get(); }
        Pointer owner;
    };
    struct own_store final : holder {
        own_store() { store = &here; }
        memory_store here;
    };

    holder* held_ = nullptr;
};

class memory_backend {
    using content_type = memory_store::content_type;
    using held_lock = memory_store::held_lock;

public:
    struct options {
        /// Where the files are; a store of the pool's own when none is given.
        memory_store_ptr store{};
    };

    class file {
    public:
        file() = default;
        [[nodiscard]] std::uint64_t size() const {
            std::shared_lock const reading{content_->mutex};
            return content_->bytes.size();
        }
        /// `direct`: there is no cache between the file and the frame.
        [[nodiscard]] io_mode mode() const noexcept { return io_mode::direct; }
        [[nodiscard]] bool writable() const noexcept { return lock_.writes; }

    private:
        friend memory_backend;
        content_type* content_ = nullptr;
        held_lock lock_{};
    };

    explicit memory_backend(std::span<std::byte>, options const& given)
        : store_{given.store.get() != nullptr ? given.store : memory_store_ptr::make()} {}

    /// Errors: open_failed (with ENOENT or EEXIST), file_locked.
    [[nodiscard]] file open(open_request const& request) {
        std::lock_guard const hold{store_->mutex_};
        bool const exists = store_->find(request.path) != nullptr;
        if (exists ? request.mode == open_mode::create_new : !may_make(request.mode)) {
            throw error{errc::open_failed, "open " + request.path, page_id::none(),
                        exists ? EEXIST : ENOENT};
        }
        auto& content = store_->find_or_make(request.path);
        held_lock const wanted{request.lock, request.mode != open_mode::read_only};
        for (auto const& held : content.locks) {
            if ((held.writes || wanted.writes) && held.where.overlaps(wanted.where)) {
                throw error{errc::file_locked, "lock " + request.path};
            }
        }
        try {
            content.locks.push_back(wanted);
        } catch (...) {
            if (!exists) { store_->drop_newest(); }
            throw;
        }
        file f;
        f.content_ = &content;
        f.lock_ = wanted;
        if (request.mode == open_mode::create_or_replace) {
            std::unique_lock const writing{content.mutex};
            content.bytes.clear();
        }
        return f;
    }

    std::size_t submit(std::span<io_op<file>*> ops) noexcept {
        for (auto* const op : ops) {
            auto& content = *op->file->content_;
            op->error = op->verb == io_verb::read ? read(content, *op) : write(content, *op);
        }
        return ops.size();
    }
    std::size_t reap(std::span<io_op<file>*>, std::chrono::nanoseconds) noexcept { return 0; }
    void interrupt() noexcept {}

    [[nodiscard]] int sync(file&) noexcept { return 0; }

    [[nodiscard]] int resize(file& f, std::uint64_t bytes) noexcept {
        if (!f.writable()) { return EBADF; }
        std::unique_lock const writing{f.content_->mutex};
        try {
            f.content_->bytes.resize(bytes);
        } catch (std::exception const&) {
            return ENOSPC;
        }
        return 0;
    }

    [[nodiscard]] int close(file& f) noexcept {
        if (f.content_ == nullptr) { return 0; }
        std::lock_guard const hold{store_->mutex_};
        auto& locks = f.content_->locks;
        locks.erase(std::find(locks.begin(), locks.end(), f.lock_));
        f.content_ = nullptr;
        return 0;
    }

private:
    [[nodiscard]] static bool inside(content_type const& content,
                                     io_op<file> const& op) noexcept {
        auto const size = content.bytes.size();
        return op.offset <= size && op.bytes.size() <= size - op.offset;
    }

    [[nodiscard]] static int read(content_type& content, io_op<file>& op) noexcept {
        std::shared_lock const reading{content.mutex};
        if (!inside(content, op)) { return io_ended; }
        std::memcpy(op.bytes.data(), content.bytes.data() + op.offset, op.bytes.size());
        return 0;
    }

    [[nodiscard]] static int write(content_type& content, io_op<file>& op) noexcept {
        if (!op.file->writable()) { return EBADF; }
        std::unique_lock const writing{content.mutex};
        if (!inside(content, op)) { return EFBIG; }
        std::memcpy(content.bytes.data() + op.offset, op.bytes.data(), op.bytes.size());
        return 0;
    }

    memory_store_ptr store_;
};

static_assert(file_backend<memory_backend>);

}  // namespace quire::inline QUIRE_ABI
