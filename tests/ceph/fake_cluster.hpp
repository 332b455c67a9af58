// SPDX-License-Identifier: BSL-1.0
#pragma once

/// fake_cluster: a Ceph cluster in memory, for the tests of rbd_backend without Ceph: the functions
/// of librados and librbd that it uses (fake/), and faults that a real cluster rarely has.
///
///     auto& ceph = quire_test::fake_cluster::only();
///     ceph.reset();
///     ceph.fault = [](fake_op const& op) { return op.writes ? -EIO : 0; };
///     ceph.fence("pool/image");          // its owner's connection is refused from now on
///
/// Ops complete in a thread of the cluster, in their order, or when `hold` is over. A lock belongs
/// to an open image; another one is refused it while its owner lives (-EROFS), and waits while the
/// owner is `away`, as after a crash.
///
/// One source includes this: it defines the functions.

#include <rados/librados.h>
#include <rbd/librbd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace quire_test {

struct fake_op {
    bool writes;
    std::uint64_t offset;
    std::uint64_t bytes;
    std::size_t parts;
};

class fake_cluster {
public:
    struct image {
        std::string name{};
        std::vector<std::byte> bytes{};
        std::uint64_t features = RBD_FEATURE_EXCLUSIVE_LOCK;
        std::uint64_t object_size = std::uint64_t{1} << 22;
        void const* owner = nullptr;
        bool away = false;  ///< the owner does not answer
        int resizes = 0;
    };
    struct connection {
        bool fenced = false;
    };
    struct pool {
        std::string name;
        connection* by;
    };
    struct handle {
        image* of;
        connection* by;
        pool const* in;
        bool writable;
    };
    struct completion {
        void* of;
        rbd_callback_t callback;
        ssize_t result = 0;
        bool is_complete = false;
        bool is_released = false;
    };
    struct queued {
        handle* on;
        completion* to;
        fake_op what;
        std::vector<iovec> parts;
    };

    static fake_cluster& only() {
        static fake_cluster one;
        return one;
    }
    ~fake_cluster() {
        {
            std::lock_guard const hold{mutex_};
            ends_ = true;
        }
        changed_.notify_all();
        worker_.join();
        for (auto* one : open_) {  // left open on purpose, each with a connection of its own
            delete one->by;
            delete one->in;
            delete one;
        }
    }

    /// No image, no fault. Expects: nothing is open.
    void reset() {
        std::lock_guard const hold{mutex_};
        images_.clear();
        snapshots.clear();
        fault = {};
        held_ = false;
        ops.clear();
        connect_result = 0;
    }
    [[nodiscard]] image& at(std::string const& path) { return *images_.at(path); }
    [[nodiscard]] bool has(std::string const& path) const { return images_.contains(path); }
    /// Its owner is taken for dead: the next opener gets the lock, and all ops of the owner's
    /// connection -ESHUTDOWN.
    void fence(std::string const& path) {
        std::lock_guard const hold{mutex_};
        auto& one = *images_.at(path);
        static_cast<handle const*>(one.owner)->by->fenced = true;
        one.owner = nullptr;
        one.away = false;
        changed_.notify_all();
    }
    void away(std::string const& path) {
        std::lock_guard const hold{mutex_};
        images_.at(path)->away = true;
    }
    /// While held no op completes.
    void hold_ops(bool on) {
        std::lock_guard const hold{mutex_};
        held_ = on;
        changed_.notify_all();
    }

    /// 0, or the negative errno that an op gets instead of being done. Called under a mutex.
    std::function<int(fake_op const&)> fault{};
    std::map<std::string, std::vector<std::byte>> snapshots{};  ///< by "pool/image@name"
    std::vector<fake_op> ops{};                                 ///< all, in their order
    int connect_result = 0;
    std::map<std::string, std::string> configured{};

    // ---- what the functions do ------------------------------------------------------------------

    int make(pool const& in, char const* name, std::uint64_t features) {
        std::lock_guard const hold{mutex_};
        if (in.by->fenced) { return -ESHUTDOWN; }
        auto const path = in.name + '/' + name;
        if (images_.contains(path)) { return -EEXIST; }
        auto& made = images_[path] = std::make_unique<image>();
        made->name = path;
        made->features = features;
        return 0;
    }
    int open(pool const& in, char const* name, bool writable, char const* snapshot, void** to) {
        std::lock_guard const hold{mutex_};
        if (in.by->fenced) { return -ESHUTDOWN; }
        auto path = in.name + '/' + name;
        if (!images_.contains(path)) { return -ENOENT; }
        if (snapshot != nullptr) {
            auto const kept = snapshots.find(path + '@' + snapshot);
            if (kept == snapshots.end()) { return -ENOENT; }
            auto& made = images_[path + '@' + snapshot] = std::make_unique<image>();
            made->bytes = kept->second;
            path += std::string{'@'} + snapshot;
        }
        auto* const made = new handle{images_.at(path).get(), in.by, &in, writable};
        open_.push_back(made);
        *to = made;
        return 0;
    }
    int close(handle* one) {
        std::lock_guard const hold{mutex_};
        if (one->of->owner == one) { one->of->owner = nullptr; }
        std::erase(open_, one);
        int const result = one->by->fenced ? -ESHUTDOWN : 0;
        delete one;
        changed_.notify_all();
        return result;
    }
    int lock(handle* one) {
        std::unique_lock hold{mutex_};
        auto& its = *one->of;
        changed_.wait(hold, [&] { return its.owner == nullptr || !its.away || ends_; });
        if (its.owner != nullptr) { return -EROFS; }
        its.owner = one;
        return 0;
    }
    int resize(handle* one, std::uint64_t bytes) {
        std::lock_guard const hold{mutex_};
        if (one->by->fenced) { return -ESHUTDOWN; }
        int const result = fault ? fault({true, bytes, 0, 0}) : 0;
        if (result < 0) { return result; }
        one->of->bytes.resize(bytes);
        ++one->of->resizes;
        return 0;
    }
    /// Of a fenced connection, too, librbd says that there is nothing to wait for.
    int flush(handle*) {
        std::unique_lock hold{mutex_};
        changed_.wait(hold, [&] { return queue_.empty() && !works_; });
        return 0;
    }
    int submit(handle* on, bool writes, iovec const* parts, int count, std::uint64_t offset,
               completion* to) {
        std::lock_guard const hold{mutex_};
        fake_op what{writes, offset, 0, static_cast<std::size_t>(count)};
        std::vector<iovec> const all(parts, parts + count);
        for (auto const& part : all) { what.bytes += part.iov_len; }
        ops.push_back(what);
        queue_.push_back({on, to, what, all});
        changed_.notify_all();
        return 0;
    }
    void wait(completion* one) {
        std::unique_lock hold{mutex_};
        changed_.wait(hold, [&] { return one->is_complete; });
    }
    void release(completion* one) {
        std::lock_guard const hold{mutex_};
        if (one->is_complete || one->callback != nullptr) {
            delete one;
        } else {
            one->is_released = true;
        }
    }
    std::uint64_t size(handle const* one) {
        std::lock_guard const hold{mutex_};
        return one->of->bytes.size();
    }

private:
    fake_cluster() : worker_{[this] { work(); }} {}

    void work() {
        std::unique_lock hold{mutex_};
        for (;;) {
            changed_.wait(hold, [&] { return ends_ || (!queue_.empty() && !held_); });
            if (ends_) { return; }
            auto const next = std::move(queue_.front());
            queue_.pop_front();
            works_ = true;
            next.to->result = result_of(next);
            auto const callback = next.to->callback;
            next.to->is_complete = callback == nullptr;  // else the callback releases it
            hold.unlock();
            changed_.notify_all();
            if (callback != nullptr) { callback(next.to, next.to->of); }
            hold.lock();
            works_ = false;
            changed_.notify_all();
        }
    }
    [[nodiscard]] ssize_t result_of(queued const& one) {
        if (one.on->by->fenced) { return -ESHUTDOWN; }
        if (int const result = fault ? fault(one.what) : 0; result < 0) { return result; }
        auto& bytes = one.on->of->bytes;
        if (one.what.offset + one.what.bytes > bytes.size()) { return -EINVAL; }
        auto* at = bytes.data() + one.what.offset;
        for (auto const& part : one.parts) {
            one.what.writes ? std::memcpy(at, part.iov_base, part.iov_len)
                            : std::memcpy(part.iov_base, at, part.iov_len);
            at += part.iov_len;
        }
        return one.what.writes ? 0 : static_cast<ssize_t>(one.what.bytes);
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, std::unique_ptr<image>> images_;
    std::vector<handle*> open_;
    std::deque<queued> queue_;
    bool held_ = false;
    bool works_ = false;
    bool ends_ = false;
    std::thread worker_;
};

}  // namespace quire_test

extern "C" {

using quire_test::fake_cluster;

int rados_create2(rados_t* cluster, char const*, char const*, std::uint64_t) {
    *cluster = new fake_cluster::connection;
    return 0;
}
int rados_conf_read_file(rados_t, char const* path) {
    return path != nullptr && std::string{path} == "absent.conf" ? -ENOENT : 0;
}
int rados_conf_set(rados_t, char const* option, char const* value) {
    fake_cluster::only().configured[option] = value;
    return 0;
}
int rados_connect(rados_t) { return fake_cluster::only().connect_result; }
void rados_shutdown(rados_t cluster) { delete static_cast<fake_cluster::connection*>(cluster); }
int rados_ioctx_create(rados_t cluster, char const* pool, rados_ioctx_t* io) {
    if (std::string{pool} == "absent") { return -ENOENT; }
    *io = new fake_cluster::pool{pool, static_cast<fake_cluster::connection*>(cluster)};
    return 0;
}
void rados_ioctx_destroy(rados_ioctx_t io) { delete static_cast<fake_cluster::pool*>(io); }
void rados_ioctx_set_namespace(rados_ioctx_t io, char const* name) {
    static_cast<fake_cluster::pool*>(io)->name += std::string{'/'} + name;
}

int rbd_create2(rados_ioctx_t io, char const* name, std::uint64_t, std::uint64_t features, int*) {
    return fake_cluster::only().make(*static_cast<fake_cluster::pool*>(io), name, features);
}
int rbd_open(rados_ioctx_t io, char const* name, rbd_image_t* image, char const* snapshot) {
    return fake_cluster::only().open(*static_cast<fake_cluster::pool*>(io), name, true, snapshot,
                                     image);
}
int rbd_open_read_only(rados_ioctx_t io, char const* name, rbd_image_t* image,
                       char const* snapshot) {
    return fake_cluster::only().open(*static_cast<fake_cluster::pool*>(io), name, false, snapshot,
                                     image);
}
int rbd_close(rbd_image_t image) {
    return fake_cluster::only().close(static_cast<fake_cluster::handle*>(image));
}
int rbd_get_size(rbd_image_t image, std::uint64_t* bytes) {
    *bytes = fake_cluster::only().size(static_cast<fake_cluster::handle*>(image));
    return 0;
}
int rbd_get_features(rbd_image_t image, std::uint64_t* features) {
    *features = static_cast<fake_cluster::handle*>(image)->of->features;
    return 0;
}
int rbd_stat(rbd_image_t image, rbd_image_info_t* info, std::size_t) {
    *info = {0, static_cast<fake_cluster::handle*>(image)->of->object_size};
    return 0;
}
int rbd_get_stripe_unit(rbd_image_t image, std::uint64_t* bytes) {
    *bytes = static_cast<fake_cluster::handle*>(image)->of->object_size;
    return 0;
}
int rbd_resize(rbd_image_t image, std::uint64_t bytes) {
    return fake_cluster::only().resize(static_cast<fake_cluster::handle*>(image), bytes);
}
int rbd_flush(rbd_image_t image) {
    return fake_cluster::only().flush(static_cast<fake_cluster::handle*>(image));
}
int rbd_lock_acquire(rbd_image_t image, rbd_lock_mode_t) {
    return fake_cluster::only().lock(static_cast<fake_cluster::handle*>(image));
}
int rbd_aio_create_completion(void* of, rbd_callback_t callback, rbd_completion_t* to) {
    *to = new fake_cluster::completion{of, callback};
    return 0;
}
void rbd_aio_release(rbd_completion_t one) {
    fake_cluster::only().release(static_cast<fake_cluster::completion*>(one));
}
int rbd_aio_wait_for_complete(rbd_completion_t one) {
    fake_cluster::only().wait(static_cast<fake_cluster::completion*>(one));
    return 0;
}
ssize_t rbd_aio_get_return_value(rbd_completion_t one) {
    return static_cast<fake_cluster::completion*>(one)->result;
}
int rbd_aio_readv(rbd_image_t image, iovec const* parts, int count, std::uint64_t offset,
                  rbd_completion_t to) {
    return fake_cluster::only().submit(static_cast<fake_cluster::handle*>(image), false, parts,
                                       count, offset, static_cast<fake_cluster::completion*>(to));
}
int rbd_aio_writev(rbd_image_t image, iovec const* parts, int count, std::uint64_t offset,
                   rbd_completion_t to) {
    return fake_cluster::only().submit(static_cast<fake_cluster::handle*>(image), true, parts,
                                       count, offset, static_cast<fake_cluster::completion*>(to));
}

}  // extern "C"
