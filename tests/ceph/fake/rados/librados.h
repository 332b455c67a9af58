// SPDX-License-Identifier: BSL-1.0
#pragma once

// What quire uses of <rados/librados.h>, for tests without Ceph: tests/ceph/fake_cluster.hpp has
// the functions.

#include <cstddef>
#include <cstdint>

#include <sys/types.h>

using rados_t = void*;
using rados_ioctx_t = void*;

extern "C" {
int rados_create2(rados_t* cluster, char const* name, char const* user, std::uint64_t flags);
int rados_conf_read_file(rados_t cluster, char const* path);
int rados_conf_set(rados_t cluster, char const* option, char const* value);
int rados_connect(rados_t cluster);
void rados_shutdown(rados_t cluster);
int rados_ioctx_create(rados_t cluster, char const* pool, rados_ioctx_t* io);
void rados_ioctx_destroy(rados_ioctx_t io);
void rados_ioctx_set_namespace(rados_ioctx_t io, char const* name);
}
