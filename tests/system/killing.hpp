// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A process that is killed in the midst of its work, for tests of what outlives it.

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <thread>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace quire_test {

/// What a thread of a child does. An exception ends the child, with 9.
template <class Work>
void guarded(Work work) {
    try {
        work();
    } catch (std::exception const& e) {
        std::fprintf(stderr, "the child met: %s\n", e.what());
        ::_exit(9);
    }
}

/// Forks a child that runs `live()`, and kills it `then` after it has raised `progress`, which is
/// in memory that both have, by `more`. False: it ended by itself, or there was no child.
template <class Live>
[[nodiscard]] bool kill_after(Live live, std::atomic<std::uint64_t> const& progress,
                              std::uint64_t more, std::chrono::microseconds then) {
    auto const wanted = progress + more;
    ::pid_t const child = ::fork();
    if (child < 0) { return false; }
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        live();
        ::_exit(0);
    }
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (progress < wanted && std::chrono::steady_clock::now() < until) {
        if (::waitpid(child, nullptr, WNOHANG) == child) { return false; }
        std::this_thread::sleep_for(std::chrono::microseconds{100});
    }
    std::this_thread::sleep_for(then);
    ::kill(child, SIGKILL);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

}  // namespace quire_test
