// SPDX-License-Identifier: BSL-1.0
#pragma once

/// memory_backend: files that live in memory, for tests, caches and measurements.
///
/// It behaves like a disk: sizes, ends of files, locks between openers, zeros where a file grew.
/// The files are in a `memory_store`, which outlives the pool, so that a file can be closed and
/// opened again by another pool. A transfer is one memcpy.
///
/// Invariants
///   I1. A file is open for one writer or any number of readers at a time.
///   I2. `submit` completes every op before it returns; an op past the end reports io_ended.
///
/// Threads: pools in several threads may share a store.

#include <quire/io/file_backend.hpp>

#include <cerrno>        // ENOENT, EBADF
#include <cstring>       // std::memcpy
#include <map>           // std::map
#include <memory>        // std::shared_ptr
#include <mutex>         // std::mutex
#include <shared_mutex>  // std::shared_mutex
#include <utility>       // std::move
#include <vector>        // std::vector

namespace quire::inline QUIRE_ABI {

/// Named files in memory. Made by the caller, shared by the pools that use it.
class memory_store {
public:
    /// A copy of a file's bytes; empty when there is no such file.
    [[nodiscard]] std::vector<std::byte> bytes(std::string const& name) {
        std::lock_guard const hold{mutex_};
        auto const found = files_.find(name);
        if (found == files_.end()) { return {}; }
        std::shared_lock const reading{found->second->mutex};
        return found->second->bytes;
    }
    /// Replaces a file's bytes, or makes the file.
    void assign(std::string const& name, std::vector<std::byte> bytes) {
        std::lock_guard const hold{mutex_};
        auto& content = files_[name];
        if (content == nullptr) { content = std::make_shared<content_type>(); }
        std::unique_lock const writing{content->mutex};
        content->bytes = std::move(bytes);
    }

private:
    friend class memory_backend;
    struct content_type {
        std::shared_mutex mutex;
        std::vector<std::byte> bytes;
        int readers = 0;      // guarded by the store's mutex
        bool writer = false;  // guarded by the store's mutex
    };

    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<content_type>> files_;
};

class memory_backend {
    using content_type = memory_store::content_type;

public:
    struct options {
        /// Where the files are; a store of the pool's own when none is given.
        std::shared_ptr<memory_store> store{};
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
        [[nodiscard]] bool writable() const noexcept { return writable_; }

    private:
        friend memory_backend;
        std::shared_ptr<content_type> content_;
        bool writable_ = false;
    };

    explicit memory_backend(std::span<std::byte>, options const& given)
        : store_{given.store != nullptr ? given.store : std::make_shared<memory_store>()} {}

    /// Errors: open_failed (with ENOENT or EEXIST), file_locked.
    [[nodiscard]] file open(open_request const& request) {
        std::lock_guard const hold{store_->mutex_};
        bool const exists = store_->files_.contains(request.path);
        bool const may_make =
            request.mode == open_mode::create || request.mode == open_mode::create_new;
        if (exists ? request.mode == open_mode::create_new : !may_make) {
            throw error{errc::open_failed, "open " + request.path, page_id::none(),
                        exists ? EEXIST : ENOENT};
        }
        auto& content = store_->files_[request.path];
        if (content == nullptr) { content = std::make_shared<content_type>(); }
        file f;
        f.content_ = content;
        f.writable_ = request.mode != open_mode::read_only;
        if (content->writer || (f.writable_ && content->readers > 0)) {
            throw error{errc::file_locked, "lock " + request.path};
        }
        if (f.writable_) {
            content->writer = true;
        } else {
            ++content->readers;
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
        if (!f.writable_) { return EBADF; }
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
        if (f.writable_) {
            f.content_->writer = false;
        } else {
            --f.content_->readers;
        }
        f.content_.reset();
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
        if (!op.file->writable_) { return EBADF; }
        std::unique_lock const writing{content.mutex};
        if (!inside(content, op)) { return EFBIG; }
        std::memcpy(content.bytes.data() + op.offset, op.bytes.data(), op.bytes.size());
        return 0;
    }

    std::shared_ptr<memory_store> store_;
};

static_assert(file_backend<memory_backend>);

}  // namespace quire::inline QUIRE_ABI
