// SPDX-License-Identifier: BSL-1.0
#pragma once

/// log_gate: the log comes first: asks the pool's log hook, and knows which threads are inside one.
///
/// A log hook must not enter its pool, since it runs in the midst of a write-back. It may use
/// another pool, which may have a hook, too. So each pool has a list of the threads that are in its
/// hook, and every operation but a hit looks there (pool_core's require_own_process).
///
/// Why no thread_local variable: shared objects of one program may each have a copy of it.

#include <quire/base/cancellation_off.hpp>
#include <quire/pool/detail/thread_mark.hpp>
#include <quire/pool/options.hpp>

#include <atomic>     // std::atomic
#include <exception>  // std::throw_with_nested
#include <mutex>      // std::mutex

namespace quire::inline QUIRE_ABI::detail {

class log_gate : immovable {
public:
    explicit log_gate(log_hook const& durable) noexcept : durable_{durable} {}

    /// Whether the pool has a log hook.
    [[nodiscard]] bool is_there() const noexcept { return static_cast<bool>(durable_); }

    struct answer {
        std::uint64_t covered = 0;
        std::exception_ptr why = nullptr;  ///< what the hook threw; then nothing is covered
    };
    /// How far the log is durable, `lsn` at least if the hook can. Expects: nothing is latched.
    [[nodiscard]] answer ask(std::uint64_t lsn) const {
        answer result;
        cancellation_off const meanwhile;
        running const in_the_hook{*this};
        try {
            result.covered = durable_(lsn);
        } catch (...) {
            result.why = std::current_exception();
        }
        return result;
    }
    /// Whether this thread is in the pool's hook.
    [[nodiscard]] bool is_in_hook() const noexcept {
        if (running_count_.load(std::memory_order_relaxed) == 0) { return false; }
        std::lock_guard const hold{mutex_};
        auto const* one = innermost_;
        while (one != nullptr && one->thread != this_thread()) { one = one->next; }
        return one != nullptr;
    }

    /// errc::log_failed with the hook's own exception inside.
    template <class File>
    [[nodiscard]] static std::exception_ptr nested(File const& file, page_id page,
                                                   std::exception_ptr const& why) {
        try {
            try {
                std::rethrow_exception(why);
            } catch (...) {
                std::throw_with_nested(file.failure(errc::log_failed, "write", page));
            }
        } catch (...) {
            return std::current_exception();
        }
    }

private:
    /// In the list as long as it lives.
    struct running : immovable {
        explicit running(log_gate const& gate) noexcept : of{gate} {
            std::lock_guard const hold{of.mutex_};
            next = of.innermost_;
            of.innermost_ = this;
            of.running_count_.fetch_add(1, std::memory_order_relaxed);
        }
        ~running() {
            std::lock_guard const hold{of.mutex_};
            running** at = &of.innermost_;
            while (*at != this) { at = &(*at)->next; }
            *at = next;
            of.running_count_.fetch_sub(1, std::memory_order_relaxed);
        }
        log_gate const& of;
        void const* thread = this_thread();
        running* next = nullptr;
    };

    log_hook const& durable_;
    mutable std::mutex mutex_;
    mutable running* innermost_ = nullptr;
    mutable std::atomic<std::size_t> running_count_{0};  ///< changed under the mutex
};

}  // namespace quire::inline QUIRE_ABI::detail
