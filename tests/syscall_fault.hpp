// SPDX-License-Identifier: BSL-1.0
#pragma once

/// syscall_fault: a kernel that refuses, interrupts or cuts short what this process asks of it.
///
/// `refuse(number, error)` makes every later call of one system call fail; `intercept(number,
/// handler)` hands each to a function, which may pass it on, changed or not, with `pass_on`. Both
/// last as long as the process: only for children (death.hpp). They need no privileges, only
/// seccomp; `can_refuse` and `can_intercept` say whether this machine has it.

#include <csignal>  // sigaction
#include <cstddef>  // offsetof
#include <cstdint>  // std::uint32_t

#include <linux/audit.h>    // AUDIT_ARCH_X86_64
#include <linux/filter.h>   // sock_filter
#include <linux/seccomp.h>  // SECCOMP_SET_MODE_FILTER
#include <sys/prctl.h>      // prctl
#include <sys/syscall.h>    // SYS_seccomp
#include <ucontext.h>       // ucontext_t
#include <unistd.h>         // syscall

#include "death.hpp"

namespace quire_test {

namespace detail {

inline constexpr std::uint32_t password = 0x51A1BEEF;  // in argument 5: let this call through

/// Gives `verdict` on system call `number`, unless its argument `but_for` has the value `value`.
inline bool add_filter(long number, std::uint32_t verdict, int argument, std::uint32_t value,
                       bool when_equal) {
    auto const at = static_cast<std::uint32_t>(offsetof(::seccomp_data, args)) +
                    8 * static_cast<std::uint32_t>(argument);
    ::sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(::seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, static_cast<std::uint8_t>(when_equal ? 0 : 1),
                 static_cast<std::uint8_t>(when_equal ? 1 : 0)),
        BPF_STMT(BPF_RET | BPF_K, verdict),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    ::sock_fprog const program{6, code};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

}  // namespace detail

/// From now on system call `number` does nothing and fails with `error`; with 0 it returns 0.
inline bool refuse(long number, int error) {
    return detail::add_filter(number, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error), 5,
                              detail::password, false);
}

/// The same, only when the low half of its argument `argument` (from 0) is `value`.
inline bool refuse_when(long number, int argument, std::uint32_t value, int error) {
    return detail::add_filter(number, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error),
                              argument, value, true);
}

[[nodiscard]] inline bool can_refuse() {
    static bool const can = in_child([] {
                                if (!refuse(SYS_sync, 1)) { ::_exit(1); }
                            }).exited_well();
    return can;
}

#if defined(__x86_64__)

struct call_arguments {
    long a[5];
};

using call_handler = long (*)(call_arguments const&);  ///< result, or minus an errno

namespace detail {

inline call_handler handler = nullptr;
inline long intercepted = -1;

inline void on_trap(int, ::siginfo_t*, void* context) {
    auto& registers = static_cast<::ucontext_t*>(context)->uc_mcontext.gregs;
    call_arguments const args{
        {static_cast<long>(registers[REG_RDI]), static_cast<long>(registers[REG_RSI]),
         static_cast<long>(registers[REG_RDX]), static_cast<long>(registers[REG_R10]),
         static_cast<long>(registers[REG_R8])}};
    registers[REG_RAX] = handler(args);
}

}  // namespace detail

/// The intercepted call itself, done by the system. The result, or minus an errno.
inline long pass_on(call_arguments const& c) {
    long const result = ::syscall(detail::intercepted, c.a[0], c.a[1], c.a[2], c.a[3], c.a[4],
                                  static_cast<unsigned long>(detail::password));
    return result < 0 ? -errno : result;
}

namespace detail {

inline bool set_handler(long number, call_handler given) {
    handler = given;
    intercepted = number;
    struct ::sigaction action{};
    action.sa_sigaction = on_trap;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    return ::sigaction(SIGSYS, &action, nullptr) == 0;
}

}  // namespace detail

/// From now on `handler`, a signal handler, stands in for system call `number`.
inline bool intercept(long number, call_handler handler) {
    return detail::set_handler(number, handler) &&
           detail::add_filter(number, SECCOMP_RET_TRAP, 5, detail::password, false);
}

/// The same, only when the low half of its argument 5, the sixth, is `value`. `pass_on` gives it
/// another one.
inline bool intercept_when(long number, std::uint32_t value, call_handler handler) {
    return detail::set_handler(number, handler) &&
           detail::add_filter(number, SECCOMP_RET_TRAP, 5, value, true);
}

inline constexpr bool can_intercept = true;

#else

inline constexpr bool can_intercept = false;

#endif

}  // namespace quire_test
