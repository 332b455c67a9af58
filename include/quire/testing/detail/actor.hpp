// SPDX-License-Identifier: BSL-1.0
#pragma once

/// actor: a thread that runs the functions it is given, one at a time, so that the steps of several
/// threads are a script and not a matter of luck.
///
/// An actor that is not `threaded` runs each function at once, in the caller's thread.

#include <quire/base/attributes.hpp>

#include <condition_variable>  // std::condition_variable
#include <functional>          // std::function
#include <mutex>               // std::mutex
#include <thread>              // std::thread
#include <utility>             // std::exchange

namespace quire::inline QUIRE_ABI::testing::detail {

class actor {
public:
    explicit actor(bool threaded) {
        if (threaded) {
            thread_ = std::thread{[this] { work(); }};
        }
    }
    actor(actor const&) = delete;
    actor& operator=(actor const&) = delete;
    ~actor() {
        if (!thread_.joinable()) { return; }
        finish();
        {
            std::lock_guard const hold{mutex_};
            leaving_ = true;
            changed_.notify_all();
        }
        thread_.join();
    }

    /// Begins `act` when the function before it has ended. It must not throw.
    void start(std::function<void()> act) {
        if (!thread_.joinable()) { return act(); }
        finish();
        std::lock_guard const hold{mutex_};
        act_ = std::move(act);
        busy_ = true;
        changed_.notify_all();
    }
    /// Returns when the function that was begun has ended.
    void finish() {
        std::unique_lock hold{mutex_};
        changed_.wait(hold, [this] { return !busy_; });
    }
    /// Runs `question` and returns its result.
    template <class Question>
    auto ask(Question question) {
        decltype(question()) answer{};
        start([&] { answer = question(); });
        finish();
        return answer;
    }
    template <class Act>
    void tell(Act act) {
        start(act);
        finish();
    }

private:
    void work() {
        std::unique_lock hold{mutex_};
        for (;;) {
            changed_.wait(hold, [this] { return busy_ || leaving_; });
            if (!busy_) { return; }
            auto const act = std::exchange(act_, nullptr);
            hold.unlock();
            act();
            hold.lock();
            busy_ = false;
            changed_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::function<void()> act_;
    bool busy_ = false;
    bool leaving_ = false;
    std::thread thread_;
};

}  // namespace quire::inline QUIRE_ABI::testing::detail
