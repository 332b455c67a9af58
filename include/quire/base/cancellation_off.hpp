// SPDX-License-Identifier: BSL-1.0
#pragma once

/// cancellation_off: as long as it lives, this thread is not cancelled (pthread_cancel).
///
/// A cancelled thread unwinds its stack from the middle of a system call. In the pool that would be
/// a thread that other threads wait for, whose transfer is under DMA, or whose entry in a list is
/// on that stack. So it is put off: around every call of a backend and of the log hook. Waits for
/// latches and pages sleep in calls at which no thread is cancelled. Instead a thread is cancelled
/// where an operation other than a hit begins: `cancellation_point`.
///
/// Cost: two calls of the C library, beside a system call.

#include <quire/base/immovable.hpp>

#include <pthread.h>  // pthread_setcancelstate, pthread_testcancel

namespace quire::inline QUIRE_ABI {

class [[nodiscard]] cancellation_off : immovable {
public:
    cancellation_off() noexcept { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
    ~cancellation_off() { ::pthread_setcancelstate(before_, nullptr); }

private:
    int before_ = PTHREAD_CANCEL_ENABLE;
};

/// Where a thread may be cancelled: it holds nothing of the pool's but guards, which it unwinds.
inline void cancellation_point() { ::pthread_testcancel(); }

}  // namespace quire::inline QUIRE_ABI
