// SPDX-License-Identifier: BSL-1.0
#pragma once

/// task: a coroutine that waits for pages without keeping its thread from other work.
///
///     quire::task<> lookup(file_type file, quire::page_no no) {
///         auto held = co_await file.fetch(no);     // resident and pinned; a hit goes on at once
///         auto page = file.read<heap_page>(no);    // a hit
///         ...
///     }
///     quire::task<double> total(file_type file) {
///         auto const no = co_await find(file);     // another task: quire::task<page_no>
///         co_return ...;
///     }
///
/// A task runs in a task_loop (pool/task_loop.hpp), or in a task that awaits it; until then nothing
/// of it runs. It awaits pages and tasks, nothing else. Its result owns what it holds
/// (borrow/owned.hpp). Its parameters are copied into it: a reference must be to something that
/// outlives it, and so must a lambda with captures, which are not copied. An exception leaves
/// through the `co_await`, or through `run` of the loop.
///
/// A guard ends before the next `co_await`: a task that is suspended holds no latch. So what it
/// found in a page before that may have changed after it, unless a pin and guard.version() say it
/// has not.
///
/// Cost: one allocation for each coroutine, by its compiler; none for a page.

#include <quire/base/contract.hpp>
#include <quire/base/immovable.hpp>
#include <quire/borrow/owned.hpp>

#include <coroutine>  // std::coroutine_handle
#include <exception>  // std::exception_ptr
#include <optional>   // std::optional
#include <utility>    // std::exchange

namespace quire::inline QUIRE_ABI {

template <class T>
class task;

namespace detail {

/// An element of a list of elements that lie elsewhere. It leaves the list when it ends.
class list_link : immovable {
public:
    list_link() noexcept = default;
    ~list_link() { unlink(); }

    [[nodiscard]] bool is_alone() const noexcept { return next_ == this; }
    [[nodiscard]] list_link& next() const noexcept { return *next_; }
    /// Leaves the list that it is in, if any, and becomes the last one before `end`.
    void link_before(list_link& end) noexcept {
        unlink();
        previous_ = std::exchange(end.previous_, this);
        next_ = &end;
        previous_->next_ = this;
    }
    void unlink() noexcept {
        previous_->next_ = next_;
        next_->previous_ = previous_;
        previous_ = next_ = this;
    }

private:
    list_link* previous_ = this;
    list_link* next_ = this;
};

/// Elements of type T, a list_link: first in, first out.
template <class T>
class link_queue {
public:
    [[nodiscard]] bool empty() const noexcept { return end_.is_alone(); }
    [[nodiscard]] T& front() const noexcept { return static_cast<T&>(end_.next()); }
    void push(T& last) noexcept { last.list_link::link_before(end_); }
    T& pop() noexcept {
        auto& first = front();
        first.list_link::unlink();
        return first;
    }
    /// `fn(element)` for each, which may unlink it, until one is false.
    template <class Fn>
    void for_each(Fn fn) {
        for (auto* one = &end_.next(); one != &end_;) {
            auto* const next = &one->next();
            if (!fn(static_cast<T&>(*one))) { return; }
            one = next;
        }
    }

private:
    list_link end_;
};

/// A coroutine that can be resumed when its turn comes.
struct suspended : list_link {
    std::coroutine_handle<> coroutine{};
};

class task_promise_base;

/// What a task knows of its loop: which coroutine runs next, and that it is over.
class task_turns : immovable {
public:
    /// `pool`: whose pages its tasks wait for, by its address.
    explicit task_turns(void const* pool) noexcept : pool_{pool} {}

    [[nodiscard]] void const* pool() const noexcept { return pool_; }
    /// Runs `coroutine` until it, and what it goes on with, waits or is over. Not by nested calls,
    /// which would need more stack for each task that ends at once.
    void resume(std::coroutine_handle<> coroutine) {
        next_ = coroutine;
        while (next_) { std::exchange(next_, {}).resume(); }
    }
    /// The coroutine that suspends now is followed by this one.
    void go_on_with(std::coroutine_handle<> next) noexcept { next_ = next; }
    /// Of a task that nobody awaits.
    void is_over(task_promise_base& task) noexcept { over_ = &task; }
    [[nodiscard]] task_promise_base* take_over() noexcept { return std::exchange(over_, nullptr); }

private:
    void const* const pool_;
    std::coroutine_handle<> next_{};
    task_promise_base* over_ = nullptr;
};

class task_promise_base {
public:
    [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
    [[nodiscard]] auto final_suspend() const noexcept {
        struct passes_on {
            [[nodiscard]] bool await_ready() const noexcept { return false; }
            void await_suspend(std::coroutine_handle<>) const noexcept {
                if (promise.awaited_by_) {
                    promise.turns_->go_on_with(promise.awaited_by_);
                } else {
                    promise.turns_->is_over(promise);
                }
            }
            void await_resume() const noexcept {}
            task_promise_base& promise;
        };
        return passes_on{const_cast<task_promise_base&>(*this)};
    }
    void unhandled_exception() noexcept { failure_ = std::current_exception(); }

    [[nodiscard]] task_turns* turns() const noexcept { return turns_; }
    void run_in(task_turns* turns, std::coroutine_handle<> awaited_by = {}) noexcept {
        turns_ = turns;
        awaited_by_ = awaited_by;
    }
    [[nodiscard]] std::exception_ptr failure() noexcept { return std::move(failure_); }

    // Of a task that was spawned:
    suspended in_loop;  ///< with the loop's other tasks
    suspended turn;     ///< before it has begun

private:
    task_turns* turns_ = nullptr;
    std::coroutine_handle<> awaited_by_{};
    std::exception_ptr failure_ = nullptr;
};

template <class T>
class task_promise : public task_promise_base {
public:
    [[nodiscard]] task<T> get_return_object() noexcept;
    template <class U = T>
        requires std::convertible_to<U, T>
    void return_value(U&& value) {
        value_.emplace(std::forward<U>(value));
    }
    [[nodiscard]] T result() {
        if (auto failed = failure(); failed != nullptr) { std::rethrow_exception(failed); }
        return std::move(*value_);
    }

private:
    std::optional<T> value_;
};

template <>
class task_promise<void> : public task_promise_base {
public:
    [[nodiscard]] inline task<void> get_return_object() noexcept;
    void return_void() const noexcept {}
    void result() {
        if (auto failed = failure(); failed != nullptr) { std::rethrow_exception(failed); }
    }
};

/// A coroutine of which the loop of its task is known.
template <class Promise>
concept task_like = std::derived_from<Promise, task_promise_base>;

}  // namespace detail

template <class T = void>
class [[nodiscard("a task runs when it is awaited or spawned")]] task {
public:
    using promise_type = detail::task_promise<T>;
    using handle_type = std::coroutine_handle<promise_type>;

    /// For the promise.
    explicit task(handle_type coroutine) noexcept : coroutine_{coroutine} {}
    task(task&& other) noexcept : coroutine_{std::exchange(other.coroutine_, {})} {}
    task& operator=(task&& other) noexcept {
        task taken{std::move(other)};
        std::swap(coroutine_, taken.coroutine_);
        return *this;
    }
    ~task() {
        if (coroutine_) { coroutine_.destroy(); }
    }

    /// Runs the task, and gives its result.
    [[nodiscard]] auto operator co_await() && noexcept {
        static_assert(std::is_void_v<T> || owned<T>,
                      "the result of a task owns what it holds (std::string, numbers, structs and "
                      "containers of those): the guards of the task have ended by then");
        QUIRE_EXPECTS(coroutine_, "a task is awaited or spawned once");
        return awaiting{std::move(*this)};
    }
    /// A task that has a name is awaited by `co_await std::move(name)`: once.
    void operator co_await() & noexcept
        QUIRE_REFUSED("a task is awaited once: co_await std::move(task)");

    /// For the loop, whose it is then.
    [[nodiscard]] handle_type release() noexcept {
        QUIRE_EXPECTS(coroutine_, "a task is awaited or spawned once");
        return std::exchange(coroutine_, {});
    }

private:
    struct awaiting {
        explicit awaiting(task&& of) noexcept : owned_{std::move(of)} {}
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> by) const noexcept {
            static_assert(detail::task_like<Promise>,
                          "a quire::task is awaited by another, or spawned in a task_loop");
            auto* const turns = by.promise().turns();
            owned_.coroutine_.promise().run_in(turns, by);
            turns->go_on_with(owned_.coroutine_);
        }
        T await_resume() const { return owned_.coroutine_.promise().result(); }

    private:
        task owned_;
    };

    handle_type coroutine_;
};

namespace detail {

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
    return task<T>{std::coroutine_handle<task_promise>::from_promise(*this)};
}
task<void> task_promise<void>::get_return_object() noexcept {
    return task<void>{std::coroutine_handle<task_promise>::from_promise(*this)};
}

}  // namespace detail
}  // namespace quire::inline QUIRE_ABI
