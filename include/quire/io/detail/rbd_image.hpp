// SPDX-License-Identifier: BSL-1.0
#pragma once

/// rbd_image: a connection to a Ceph cluster, an open image of it, and one transfer: what
/// rbd_backend needs of librados and librbd.
///
/// Their functions return a negative errno. In a forked child none is called: the threads that
/// would answer are not there.
///
/// Why a thread waits for the lock: rbd_lock_acquire takes no deadline, and op time-outs do not end
/// it. If its opener gives up, the thread closes the image when the cluster has decided, and nobody
/// waits for it: so it shares the connection.
///
/// Why an image may be left open: a write that timed out is still on its way, and may be done at
/// any time. If the lock were given back, it could overwrite what the next owner writes. So the
/// image keeps it, also when `open` fails, until this process ends; then the next opener fences it.

#include <quire/base/immovable.hpp>
#include <quire/base/poison.hpp>
#include <quire/io/detail/transfer.hpp>
#include <quire/memory/fork_mark.hpp>

#include <array>               // std::array
#include <atomic>              // std::atomic
#include <cerrno>              // ESHUTDOWN
#include <condition_variable>  // std::condition_variable
#include <memory>              // std::shared_ptr
#include <mutex>               // std::mutex
#include <optional>            // std::optional
#include <thread>              // std::thread
#include <utility>             // std::exchange, std::pair
#include <vector>              // std::vector

#include <rados/librados.h>
#include <rbd/librbd.h>

namespace quire::inline QUIRE_ABI::detail {

/// A connection. It ends with the last of those that share it.
class rbd_cluster : immovable {
public:
    /// Errors: open_failed with the errno.
    rbd_cluster(std::string const& config, std::string const& user,
                std::chrono::seconds op_time_max)
        : has_time_limit_{op_time_max.count() > 0} {
        auto const expect = [&](int result, std::string const& what) {
            if (result >= 0) { return; }
            if (handle_ != nullptr) { ::rados_shutdown(handle_); }
            throw error{errc::open_failed,
                        what + " of the Ceph cluster" + (config.empty() ? "" : " of ") + config,
                        page_id::none(), -result};
        };
        auto const name = "client." + user;
        expect(::rados_create2(&handle_, "ceph", name.c_str(), 0), "make a client");
        expect(::rados_conf_read_file(handle_, config.empty() ? nullptr : config.c_str()),
               "read the configuration");
        auto const limit = std::to_string(op_time_max.count());
        for (auto const& [option, value] :
             {std::pair{"rbd_cache", std::string{"false"}}, {"rados_osd_op_timeout", limit},
              {"rados_mon_op_timeout", limit},
              {"client_mount_timeout", has_time_limit_ ? limit : "300"}}) {
            expect(::rados_conf_set(handle_, option, value.c_str()), option);
        }
        expect(::rados_connect(handle_), "connect to a monitor");
    }
    ~rbd_cluster() {
        if (!is_forked() && !is_left_open_) { ::rados_shutdown(handle_); }
    }

    [[nodiscard]] ::rados_t handle() const noexcept { return handle_; }
    [[nodiscard]] bool is_forked() const noexcept { return mark_.inherited(); }
    [[nodiscard]] bool has_time_limit() const noexcept { return has_time_limit_; }
    /// An image of it stays open until the process ends.
    void leave_open() noexcept { is_left_open_ = true; }

private:
    ::rados_t handle_ = nullptr;
    fork_mark mark_;
    bool const has_time_limit_;
    std::atomic<bool> is_left_open_{false};
};

/// What is open of an image; closed at the latest with its last owner.
struct rbd_handles : immovable {
    explicit rbd_handles(std::shared_ptr<rbd_cluster> of) noexcept : cluster{std::move(of)} {}
    ~rbd_handles() { static_cast<void>(close()); }

    /// 0 or an errno. ETIMEDOUT: it is left open, see above.
    int close() noexcept {
        auto* const open_image = std::exchange(image, nullptr);
        auto* const open_pool = std::exchange(pool, nullptr);
        if (cluster->is_forked()) { return 0; }
        if (has_late_ops) {
            cluster->leave_open();
            return ETIMEDOUT;
        }
        int const result = open_image == nullptr ? 0 : ::rbd_close(open_image);
        if (open_pool != nullptr) { ::rados_ioctx_destroy(open_pool); }
        return -result;
    }
    /// The errno of an op that changes the image. EROFS means, too, that another one has the lock.
    /// Of an op on several objects librbd tells one failure: it may hide a time-out.
    [[nodiscard]] int noted(int result) noexcept {
        if (result >= 0) { return 0; }
        int const failed = result == -EROFS ? ESHUTDOWN : -result;
        bool const may_hide_one = cluster->has_time_limit() && failed != ESHUTDOWN;
        if (failed == ETIMEDOUT || may_hide_one) { has_late_ops = true; }
        return failed;
    }

    std::shared_ptr<rbd_cluster> cluster;
    ::rados_ioctx_t pool = nullptr;
    ::rbd_image_t image = nullptr;
    std::atomic<bool> has_late_ops{false};
};

class rbd_image : immovable {
public:
    /// Errors: open_failed, file_locked: see rbd_backend.
    rbd_image(std::shared_ptr<rbd_cluster> const& cluster, open_request const& request,
              std::uint64_t growth, std::chrono::nanoseconds lock_wait_max)
        : handles_{std::make_shared<rbd_handles>(cluster)},
          growth_{std::max<std::uint64_t>(growth, request.page_size)},
          writable_{request.mode != open_mode::read_only} {
        auto const name = enter_pool(request);
        if (writable_ && name.find('@') != name.npos) {
            refuse(request, "a snapshot is only read", EROFS);
        }
        bool const is_new = may_make(request.mode) && make(name, request);
        open(name, request);
        require_whole_pages(request);
        if (writable_ && request.lock.count > 0) { lock(request, lock_wait_max); }
        std::uint64_t bytes = 0;
        expect(::rbd_get_size(handles_->image, &bytes), request);
        size_.store(bytes, std::memory_order_relaxed);
        room_ = bytes;
        if (request.mode == open_mode::create_or_replace && !is_new) {
            expect(-resize(0), request, "replace ");
        }
    }

    [[nodiscard]] std::uint64_t size() const noexcept {
        return size_.load(std::memory_order_acquire);
    }
    [[nodiscard]] bool writable() const noexcept { return writable_; }
    [[nodiscard]] ::rbd_image_t handle() const noexcept { return handles_->image; }

    /// 0 or an errno.
    [[nodiscard]] int sync() noexcept { return writable_ ? noted(::rbd_flush(handle())) : 0; }
    [[nodiscard]] int resize(std::uint64_t bytes) noexcept {
        if (!writable_) { return EBADF; }
        if (bytes > bytes_max) { return EFBIG; }
        auto const now = size();
        auto const room = bytes < now    ? bytes
                          : bytes > room_ ? (bytes + growth_ - 1) / growth_ * growth_
                                          : room_;
        if (room != room_) {
            if (int const failed = noted(::rbd_resize(handle(), room)); failed != 0) {
                return failed;
            }
            room_ = room;
        }
        size_.store(bytes, std::memory_order_release);
        return 0;
    }
    /// Cuts the image, unless another one has the lock: then it is no longer ours to cut.
    [[nodiscard]] int close() noexcept {
        if (handles_->cluster->is_forked()) { return 0; }
        bool const is_cut = writable_ && room_ > size() && !handles_->has_late_ops;
        int const cut = is_cut ? noted(::rbd_resize(handle(), size())) : 0;
        int const closed = handles_->close();
        int const failed = cut != 0 && closed != ETIMEDOUT ? cut : closed;
        return failed == ESHUTDOWN ? 0 : failed;
    }
    [[nodiscard]] int noted(int result) noexcept { return handles_->noted(result); }

private:
    static constexpr std::uint64_t bytes_max = std::uint64_t{1} << 50;

    static void expect(int result, open_request const& request, char const* verb = "open ") {
        if (result < 0) {
            throw error{errc::open_failed, verb + request.path, page_id::none(), -result};
        }
    }
    [[noreturn]] static void refuse(open_request const& request, char const* why, int system) {
        throw error{errc::open_failed, "open " + request.path + ": " + why, page_id::none(),
                    system};
    }

    /// Enters the pool, and its namespace; the name of the image, with that of a snapshot.
    [[nodiscard]] std::string enter_pool(open_request const& request) {
        auto const& path = request.path;
        auto const first = path.find('/');
        auto const last = path.rfind('/');
        if (first == path.npos || first == 0 || last + 1 == path.size()) {
            refuse(request, "a path is pool/image, or pool/image@snapshot", EINVAL);
        }
        expect(::rados_ioctx_create(handles_->cluster->handle(), path.substr(0, first).c_str(),
                                    &handles_->pool),
               request);
        if (last > first) {
            ::rados_ioctx_set_namespace(handles_->pool,
                                        path.substr(first + 1, last - first - 1).c_str());
        }
        return path.substr(last + 1);
    }
    /// Whether the image is new.
    [[nodiscard]] bool make(std::string const& name, open_request const& request) const {
        int order = 22;  // objects of 4 MiB
        int const result = ::rbd_create2(handles_->pool, name.c_str(), 0,
                                         RBD_FEATURE_LAYERING | RBD_FEATURE_EXCLUSIVE_LOCK, &order);
        if (result != -EEXIST || request.mode == open_mode::create_new) {
            expect(result, request, "make ");
        }
        return result >= 0;
    }
    void open(std::string const& name, open_request const& request) {
        auto const at = name.find('@');
        auto const image = name.substr(0, at);
        auto const snapshot = at == name.npos ? std::string{} : name.substr(at + 1);
        if (writable_) {
            expect(::rbd_open(handles_->pool, image.c_str(), &handles_->image, nullptr), request);
            return;
        }
        expect(::rbd_open_read_only(handles_->pool, image.c_str(), &handles_->image,
                                    snapshot.empty() ? nullptr : snapshot.c_str()),
               request);
        if (snapshot.empty() && request.lock.count > 0) {
            refuse(request,
                   "a reader of an image keeps no writer out: open a snapshot of it, or with "
                   "file_lock::none",
                   0);
        }
    }

    /// A page lies in one object, so that its write is whole or not at all.
    void require_whole_pages(open_request const& request) const {
        ::rbd_image_info_t its{};
        std::uint64_t stripe = 0;
        expect(::rbd_stat(handles_->image, &its, sizeof its), request);
        expect(::rbd_get_stripe_unit(handles_->image, &stripe), request);
        if (std::min(its.obj_size, stripe) % request.page_size != 0) {
            refuse(request, "an object has not whole pages", EINVAL);
        }
    }

    void lock(open_request const& request, std::chrono::nanoseconds at_most) {
        std::uint64_t features = 0;
        expect(::rbd_get_features(handles_->image, &features), request);
        if ((features & RBD_FEATURE_EXCLUSIVE_LOCK) == 0) {
            refuse(request, "the image has not the feature exclusive-lock", 0);
        }
        struct decision {
            std::mutex mutex{};
            std::condition_variable made{};
            std::optional<int> result{};
        };
        auto const decided = std::make_shared<decision>();
        std::thread waits{[decided, held = handles_] {
            int const result = ::rbd_lock_acquire(held->image, RBD_LOCK_MODE_EXCLUSIVE);
            std::lock_guard const hold{decided->mutex};
            decided->result = result;
            decided->made.notify_one();
        }};
        std::unique_lock hold{decided->mutex};
        bool const in_time =
            decided->made.wait_for(hold, at_most, [&] { return decided->result.has_value(); });
        hold.unlock();
        if (!in_time) {
            waits.detach();
            throw error{errc::file_locked,
                        "lock " + request.path + ": the cluster still asks its last owner"};
        }
        waits.join();
        int const result = *decided->result;
        if (result == -EROFS || result == -EBUSY) {
            throw error{errc::file_locked, "lock " + request.path, page_id::none(), -result};
        }
        expect(result, request, "lock ");
    }

    std::shared_ptr<rbd_handles> handles_;
    std::uint64_t growth_;
    std::uint64_t room_ = 0;  // bytes of the image; of the thread that resizes
    std::atomic<std::uint64_t> size_{0};
    bool writable_;
};

/// One transfer of neighbouring pages.
class rbd_transfer {
public:
    static constexpr std::size_t pages_max = 64;
    using function = void (*)(void* of);

    /// `then(of)` is called once, in a thread of librbd or before this returns.
    template <class File>
    void start(rbd_image const& image, std::span<io_op<File>* const> ops, function then,
               void* of) noexcept {
        then_ = then;
        of_ = of;
        if (!prepare(image, ops)) { return then(of); }
        ::rbd_completion_t completion = nullptr;
        result_ = ::rbd_aio_create_completion(
            this,
            [](::rbd_completion_t done, void* transfer) {
                auto& its = *static_cast<rbd_transfer*>(transfer);
                its.result_ = ::rbd_aio_get_return_value(done);
                ::rbd_aio_release(done);
                its.then_(its.of_);
            },
            &completion);
        if (result_ < 0) { return then(of); }
        if (int const refused = submit(image, ops, completion); refused < 0) {
            ::rbd_aio_release(completion);
            result_ = refused;
            then(of);
        }
    }
    template <class File>
    void start_and_wait(rbd_image const& image, std::span<io_op<File>* const> ops) noexcept {
        ::rbd_completion_t completion = nullptr;
        if (!prepare(image, ops)) { return; }
        result_ = ::rbd_aio_create_completion(nullptr, nullptr, &completion);
        if (result_ < 0) { return; }
        result_ = submit(image, ops, completion);
        if (result_ >= 0) {
            ::rbd_aio_wait_for_complete(completion);
            result_ = ::rbd_aio_get_return_value(completion);
        }
        ::rbd_aio_release(completion);
    }
    /// When it is complete: 0, an errno, or io_ended.
    template <class File>
    [[nodiscard]] int end(rbd_image& image, std::span<io_op<File>* const> ops) noexcept {
        if (refusal_ != 0) { return refusal_; }
        if (ops.front()->verb == io_verb::write) { return image.noted(static_cast<int>(result_)); }
        if (result_ < 0) { return static_cast<int>(-result_); }
        if (static_cast<std::size_t>(result_) < bytes_) { return io_ended; }
        copy<io_verb::read>(ops);
        return 0;
    }

private:
    /// False: it is over, with a refusal.
    template <class File>
    [[nodiscard]] bool prepare(rbd_image const& image, std::span<io_op<File>* const> ops) noexcept {
        auto const& first = *ops.front();
        bool const writes = first.verb == io_verb::write;
        bytes_ = 0;
        for (auto const* op : ops) { bytes_ += op->bytes.size(); }
        auto const size = image.size();
        bool const fits = first.offset <= size && bytes_ <= size - first.offset;
        refusal_ = writes && !image.writable() ? EBADF : fits ? 0 : writes ? EFBIG : io_ended;
        return refusal_ == 0;
    }
    template <class File>
    [[nodiscard]] int submit(rbd_image const& image, std::span<io_op<File>* const> ops,
                             ::rbd_completion_t completion) noexcept {
        auto const& first = *ops.front();
        auto parts = parts_of(ops, std::span{parts_});
        if constexpr (poisoning) {
            copied_.resize(bytes_);
            if (first.verb == io_verb::write) { copy<io_verb::write>(ops); }
            parts_[0] = {copied_.data(), bytes_};
            parts = std::span{parts_}.first(1);
        }
        auto const count = static_cast<int>(parts.size());
        return first.verb == io_verb::read
                   ? ::rbd_aio_readv(image.handle(), parts.data(), count, first.offset, completion)
                   : ::rbd_aio_writev(image.handle(), parts.data(), count, first.offset,
                                      completion);
    }
    /// Under the address sanitizer librbd gets a copy: no guard has the frame.
    template <io_verb Verb, class File>
    __attribute__((no_sanitize_address)) void copy(std::span<io_op<File>* const> ops) noexcept {
        if constexpr (poisoning) {
            std::byte volatile* at = copied_.data();
            for (auto* op : ops) {
                std::byte volatile* const bytes = op->bytes.data();
                for (std::size_t i = 0; i < op->bytes.size(); ++i, ++at) {
                    if constexpr (Verb == io_verb::read) {
                        bytes[i] = *at;
                    } else {
                        *at = bytes[i];
                    }
                }
            }
        }
    }

    std::array<::iovec, pages_max> parts_;
    std::vector<std::byte> copied_{};  // see copy
    std::size_t bytes_ = 0;
    ::ssize_t result_ = 0;
    int refusal_ = 0;
    function then_ = nullptr;
    void* of_ = nullptr;
};

}  // namespace quire::inline QUIRE_ABI::detail
