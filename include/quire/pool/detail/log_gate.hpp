// SPDX-License-Identifier: BSL-1.0
#pragma once

/// log_gate: the log comes first: asks the pool's log hook, and knows which threads are inside one.
///
/// A log hook must not enter its pool, since it runs in the midst of a write-back. It may use
/// another pool, which may have a hook, too: so each thread has a chain of the hooks that it is in,
/// and every operation but a hit looks there (pool_core's require_own_process).

#include <quire/pool/options.hpp>

#include <exception>  // std::throw_with_nested

namespace quire::inline QUIRE_ABI::detail {

struct running_hook {
    void const* pool;
    running_hook const* outer;
};
inline thread_local running_hook const* innermost_hook = nullptr;

[[nodiscard]] inline bool is_in_hook_of(void const* pool) noexcept {
    auto const* hook = innermost_hook;
    while (hook != nullptr && hook->pool != pool) { hook = hook->outer; }
    return hook != nullptr;
}

class log_gate {
public:
    /// `pool` is what is_in_hook_of is asked with.
    log_gate(log_hook const& durable, void const* pool) noexcept
        : durable_{durable}, pool_{pool} {}

    /// Whether the pool has a log hook.
    [[nodiscard]] bool is_there() const noexcept { return static_cast<bool>(durable_); }

    struct answer {
        std::uint64_t covered = 0;
        std::exception_ptr why = nullptr;  ///< what the hook threw; then nothing is covered
    };
    /// How far the log is durable, `lsn` at least if the hook can. Expects: nothing is latched.
    [[nodiscard]] answer ask(std::uint64_t lsn) const {
        answer result;
        running_hook const here{pool_, innermost_hook};
        innermost_hook = &here;
        try {
            result.covered = durable_(lsn);
        } catch (...) {
            result.why = std::current_exception();
        }
        innermost_hook = here.outer;
        return result;
    }

    /// errc::log_failed with the hook's own exception inside.
    [[nodiscard]] static std::exception_ptr nested(page_id page, std::exception_ptr const& why) {
        try {
            try {
                std::rethrow_exception(why);
            } catch (...) {
                std::throw_with_nested(error{errc::log_failed, "write", page});
            }
        } catch (...) {
            return std::current_exception();
        }
    }

private:
    log_hook const& durable_;
    void const* pool_;
};

}  // namespace quire::inline QUIRE_ABI::detail
