// SPDX-License-Identifier: BSL-1.0
#pragma once

/// background_writer: a thread that writes dirty pages ahead of need, so that misses find frames
/// whose pages they can evict at once.
///
///     quire::buffer_pool<> pool{{.frames = 65'536}};
///     quire::background_writer writer{pool};
///
/// It looks at the 256 pages that the pool would evict next, and writes those that are dirty, 64 in
/// one batch; it goes on while there is half a batch to write. Then it sleeps until its period is
/// over, or misses have evicted half a batch of pages, or one had to write its victim itself. It
/// evicts nothing, and only tries latches: a page that a thread holds is left alone.
///
/// A pool needs none: misses write batches of the same kind when they must. With one they wait for
/// reads only, as long as the device keeps up; and pages that change often are written more often.
/// It is no checkpoint: pages that are not about to be evicted stay dirty, and nothing is synced.
///
/// Errors: a page that cannot be written stays dirty, and is reported to the pool's observer
/// (on_write_error). Its file is left alone for a second, then tried again. Nothing is thrown, and
/// misses, flush and close report what they meet, as always. The log hook runs in this thread, too.
///
/// Lifetime: must not outlive the pool, whose destructor checks it. Its destructor returns when the
/// batch that is being written is complete. Several writers of one pool share the work.
/// Threads: it is one, with the signal mask of the thread that makes it. In a forked child there is
/// none, and its destructor does nothing.

#include <quire/memory/service_thread.hpp>
#include <quire/pool/buffer_pool.hpp>

namespace quire::inline QUIRE_ABI {

struct background_options {
    /// The longest sleep. A shorter one finds pages that became dirty while nothing was evicted; it
    /// costs a look at 256 frames under the policy's mutex, some microseconds. Above zero.
    std::chrono::nanoseconds period = std::chrono::milliseconds{5};
    /// Dirty pages of the pool, as a share of its frames from 0 to 1, up to which nothing is
    /// written: a page that changes again before it is evicted was written in vain.
    double dirty_low = 0.125;
};

template <class Pool>
class [[nodiscard("a background writer works as long as it lives")]] background_writer : immovable {
public:
    /// Errors: bad_option, forked, reentered, out_of_memory (the system has no thread left).
    explicit background_writer(Pool& pool, background_options const& options = {})
        : core_{pool.core_},
          options_{checked(options)},
          dirty_low_{static_cast<std::uint64_t>(options.dirty_low *
                                                static_cast<double>(pool.frames()))},
          thread_{start(), "start a background writer"} {
        core_.cleaning.add_writer();
    }
    ~background_writer() {
        if (core_.memory().inherited()) { return; }
        stop_.store(true, std::memory_order_seq_cst);
        core_.cleaning.wake();
        thread_.join();
        core_.cleaning.remove_writer();
    }

private:
    friend class service_thread;
    using core_type = typename Pool::core_type;

    [[nodiscard]] static background_options const& checked(background_options const& options) {
        if (!(options.period > options.period.zero() && options.dirty_low >= 0 &&
              options.dirty_low <= 1)) {
            throw error{errc::bad_option, "start a background writer: period is positive, "
                                          "dirty_low from 0 to 1"};
        }
        return options;
    }
    [[nodiscard]] background_writer& start() {
        core_.require_own_process("start a background writer");
        return *this;
    }

    void run() noexcept {
        auto& need = core_.cleaning;
        while (!stop_.load(std::memory_order_seq_cst)) {
            need.note_look();
            bool const is_needed = core_.dirty_pages_now() > dirty_low_;
            std::size_t const written = is_needed ? core_.evictor.clean_ahead() : 0;
            if (written < need.enough) { need.sleep(options_.period, stop_); }
        }
    }

    core_type& core_;
    background_options const options_;
    std::uint64_t const dirty_low_;
    std::atomic<bool> stop_{false};
    service_thread thread_;  ///< the last one: it uses the others
};

}  // namespace quire::inline QUIRE_ABI
