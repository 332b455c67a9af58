// SPDX-License-Identifier: BSL-1.0

// A program that has rbd_backend: it is linked, and says that there is no such cluster.
#include <quire/io/rbd_backend.hpp>
#include <quire/pool.hpp>

#include <cerrno>

int main() try {
    quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch, quire::rbd_backend> const pool{
        {.frames = 8, .backend = {.config = "absent.conf"}}};
    return 1;
} catch (quire::error const& e) {
    return e.kind() == quire::errc::open_failed && e.system_errno() == ENOENT ? 0 : 2;
}
