// SPDX-License-Identifier: BSL-1.0

/// Threads that are cancelled while they use a pool, or leave by pthread_exit.
///
/// Expected. The thread ends, its guards too, and nothing that other threads need is lost: the page
/// it had, or waited for, can be written, and the file closed.

#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"
#include "system/pages.hpp"

#include <atomic>
#include <functional>
#include <thread>

#include <pthread.h>

using namespace quire_test;
using quire::open_mode;

namespace {

struct scene {
    explicit scene(quire::log_hook hook = {}) : pool{with(std::move(hook))} {
        append_version(file, 1);
        file.write(0).logged(1);
    }
    static plain_pool::options_type with(quire::log_hook hook) {
        auto options = quire_test::frames(4);
        options.durable = std::move(hook);
        return options;
    }

    quire_test::temp_dir dir;
    plain_pool pool;
    plain_file file{pool.open(dir / "f", open_mode::open_or_create, as_offered)};
};

/// A thread that runs `body`, and may be cancelled; its end is awaited.
class cancellable {
public:
    explicit cancellable(std::function<void()> body) : body_{std::move(body)} {
        auto const run = [](void* self) -> void* {
            static_cast<cancellable*>(self)->body_();
            return nullptr;
        };
        if (::pthread_create(&thread_, nullptr, run, this) != 0) {
            throw std::runtime_error{"no thread"};
        }
    }
    void cancel() const { ::pthread_cancel(thread_); }
    /// Whether it was cancelled, and did not come to its end.
    [[nodiscard]] bool join_cancelled() const {
        void* result = nullptr;
        ::pthread_join(thread_, &result);
        return result == PTHREAD_CANCELED;
    }

private:
    std::function<void()> body_;
    ::pthread_t thread_{};
};

void wait_for(std::atomic<bool> const& flag) {
    while (!flag) { std::this_thread::yield(); }
}

/// The page that the thread had to do with, and its file, are as free as before.
void check_nothing_is_held(scene& s) {
    put_version(s.file, 0, 2);
    s.file.flush();
    s.file.close();
}

}  // namespace

TEST_CASE("cancelled: a thread that leaves by pthread_exit ends its guards") {
    scene s;
    cancellable thread{[&] {
        s.file.with_write(0, [](auto&) { ::pthread_exit(nullptr); });
    }};
    CHECK_FALSE(thread.join_cancelled());
    check_nothing_is_held(s);
}

TEST_CASE("cancelled: a thread that flushes again and again ends between two flushes") {
    scene s;
    std::atomic<bool> runs{false};
    cancellable thread{[&] {
        for (;;) {
            s.file.write(0).logged(1);
            s.file.flush();
            runs = true;
        }
    }};
    wait_for(runs);
    thread.cancel();
    CHECK(thread.join_cancelled());
    check_nothing_is_held(s);
}

// It left a waiter on its stack, where the next thread of that stack had its own variables.
TEST_CASE("cancelled: a thread that flushes the pool ends before the flush") {
    scene s;
    std::atomic<bool> runs{false};
    cancellable thread{[&] {
        for (;;) {
            s.pool.flush();
            runs = true;
        }
    }};
    wait_for(runs);
    thread.cancel();
    CHECK(thread.join_cancelled());
    check_nothing_is_held(s);
}

TEST_CASE("cancelled: a thread in an observer ends later") {
    auto options = quire_test::frames(2);
    options.observer.on_miss = [](quire::page_id) {
        ::pthread_cancel(::pthread_self());
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    };
    quire_test::temp_dir const dir;
    plain_pool pool{options};
    auto const file = pool.open(dir / "f", open_mode::open_or_create, as_offered);
    for (int i = 0; i < 3; ++i) { append_version(file, 1); }
    file.flush();
    cancellable thread{[&] {
        static_cast<void>(version_on(file, 0));
        file.flush();
    }};
    CHECK(thread.join_cancelled());
}

TEST_CASE("cancelled: a thread that waits for a page gets it, and ends at its next operation") {
    scene s;
    std::atomic<bool> waits{false};
    auto page = s.file.write(0);
    cancellable thread{[&] {
        waits = true;
        { auto const mine = s.file.read(0); }
        s.file.flush();
    }};
    wait_for(waits);
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
    thread.cancel();
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
    page.release();
    CHECK(thread.join_cancelled());
    check_nothing_is_held(s);
}

TEST_CASE("cancelled: a thread in a slow log hook ends when the flush is over") {
    std::atomic<bool> in_hook{false};
    std::atomic<bool> go_on{false};
    scene s{[&](std::uint64_t lsn) {
        in_hook = true;
        while (!go_on) { std::this_thread::sleep_for(std::chrono::milliseconds{1}); }
        return lsn;
    }};
    cancellable thread{[&] {
        s.file.flush();
        s.file.flush();
    }};
    wait_for(in_hook);
    thread.cancel();
    go_on = true;
    CHECK(thread.join_cancelled());
    check_nothing_is_held(s);
}
