// SPDX-License-Identifier: BSL-1.0
#pragma once

/// death: a forked child, for what must not happen to the test program itself.
///
/// `violation_of(act)` is the sentence of the contract that `act` breaks; `failure_of(check)` is
/// what a check found that needs a process of its own: limits, forks, refused system calls.
///
/// A child ends by _exit: no destructors of the parent, no output twice, no report of leaks. It has
/// 30 seconds. Works under the address sanitizer too; under the thread sanitizer a child may only
/// be made while there is one thread.

#include <cerrno>        // errno
#include <csignal>       // SIGABRT
#include <exception>     // std::exception
#include <stdexcept>     // std::runtime_error
#include <string>        // std::string
#include <system_error>  // std::system_error

#include <sys/wait.h>  // waitpid
#include <unistd.h>    // fork, pipe, alarm

namespace quire_test {

/// How a child ended, and what it wrote to the standard error stream.
struct child_end {
    int status = 0;
    std::string text;

    [[nodiscard]] bool exited_well() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
    [[nodiscard]] bool aborted() const {
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    }
    [[nodiscard]] std::string how() const {
        return WIFSIGNALED(status) ? "killed by signal " + std::to_string(WTERMSIG(status))
                                   : "exited with " + std::to_string(WEXITSTATUS(status));
    }
};

/// Runs `act` in a forked child. An exception is written to the error stream, and the end is 1.
template <class Act>
[[nodiscard]] child_end in_child(Act act) {
    int ends[2];
    if (::pipe(ends) != 0) { throw std::system_error{errno, std::generic_category(), "pipe"}; }
    ::pid_t const child = ::fork();
    if (child < 0) { throw std::system_error{errno, std::generic_category(), "fork"}; }
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);  // Catch2 has one of its own
        ::alarm(30);
        ::dup2(ends[1], STDERR_FILENO);
        ::close(ends[0]);
        ::close(ends[1]);
        int code = 0;
        try {
            act();
        } catch (std::exception const& e) {
            std::string const text = e.what();
            code = ::write(STDERR_FILENO, text.data(), text.size()) < 0 ? 2 : 1;
        } catch (...) {  // a failed assertion
            code = 3;
        }
        ::_exit(code);
    }
    ::close(ends[1]);
    child_end end;
    char part[512];
    for (;;) {
        auto const got = ::read(ends[0], part, sizeof part);
        if (got > 0) { end.text.append(part, static_cast<std::size_t>(got)); }
        if (got == 0 || (got < 0 && errno != EINTR)) { break; }
    }
    ::close(ends[0]);
    while (::waitpid(child, &end.status, 0) < 0 && errno == EINTR) {}
    return end;
}

/// What stands on the error stream of a child in which `act` aborts; else only how it ended: a rule
/// that is printed and does not stop the program is no rule.
template <class Act>
[[nodiscard]] std::string violation_of(Act act) {
    auto const end = in_child(act);
    return end.aborted() ? end.text : "did not abort, but " + end.how();
}

/// What `check`, run in a child, returns as a std::string: empty when all was well.
template <class Check>
[[nodiscard]] std::string failure_of(Check check) {
    auto const end = in_child([&] {
        std::string const failure = check();
        if (!failure.empty()) { throw std::runtime_error{failure}; }
    });
    if (end.exited_well()) { return {}; }
    return end.how() + ": " + end.text;
}

}  // namespace quire_test

using quire_test::failure_of;
using quire_test::in_child;
using quire_test::violation_of;
