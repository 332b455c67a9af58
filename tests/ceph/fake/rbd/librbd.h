// SPDX-License-Identifier: BSL-1.0
#pragma once

// What quire uses of <rbd/librbd.h>: see rados/librados.h here.

#include <rados/librados.h>

#include <sys/uio.h>

using rbd_image_t = void*;
using rbd_completion_t = void*;
using rbd_callback_t = void (*)(rbd_completion_t, void*);
enum rbd_lock_mode_t { RBD_LOCK_MODE_EXCLUSIVE = 0, RBD_LOCK_MODE_SHARED = 1 };

struct rbd_image_info_t {  // some of its members
    std::uint64_t size;
    std::uint64_t obj_size;
};

#define RBD_FEATURE_LAYERING (1ULL << 0)
#define RBD_FEATURE_EXCLUSIVE_LOCK (1ULL << 2)

extern "C" {
int rbd_create2(rados_ioctx_t io, char const* name, std::uint64_t bytes, std::uint64_t features,
                int* order);
int rbd_open(rados_ioctx_t io, char const* name, rbd_image_t* image, char const* snapshot);
int rbd_open_read_only(rados_ioctx_t io, char const* name, rbd_image_t* image,
                       char const* snapshot);
int rbd_close(rbd_image_t image);
int rbd_get_size(rbd_image_t image, std::uint64_t* bytes);
int rbd_get_features(rbd_image_t image, std::uint64_t* features);
int rbd_stat(rbd_image_t image, rbd_image_info_t* info, std::size_t size);
int rbd_get_stripe_unit(rbd_image_t image, std::uint64_t* bytes);
int rbd_resize(rbd_image_t image, std::uint64_t bytes);
int rbd_flush(rbd_image_t image);
int rbd_lock_acquire(rbd_image_t image, rbd_lock_mode_t mode);
int rbd_aio_create_completion(void* of, rbd_callback_t callback, rbd_completion_t* completion);
void rbd_aio_release(rbd_completion_t completion);
int rbd_aio_wait_for_complete(rbd_completion_t completion);
ssize_t rbd_aio_get_return_value(rbd_completion_t completion);
int rbd_aio_readv(rbd_image_t image, iovec const* parts, int count, std::uint64_t offset,
                  rbd_completion_t completion);
int rbd_aio_writev(rbd_image_t image, iovec const* parts, int count, std::uint64_t offset,
                   rbd_completion_t completion);
}
