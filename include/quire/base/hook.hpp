// SPDX-License-Identifier: BSL-1.0
#pragma once

/// hook: a function of the user's that the pool calls: the log hook, the observer's, the loss
/// handler.
///
/// Owns any callable; a copy owns a copy of it; empty by default, and when it is made from a null
/// pointer or an empty std::function. std::function does that too, but
/// its header takes half as long to compile as all that quire needs of the standard library.
///
/// Errors: making and copying may throw what the callable's copy throws, or std::bad_alloc.

#include <quire/base/attributes.hpp>

#include <cstddef>      // std::nullptr_t
#include <type_traits>  // std::is_invocable_r_v
#include <utility>      // std::move, std::exchange

namespace quire::inline QUIRE_ABI {

template <class Signature>
class hook;

template <class Result, class... Arguments>
class hook<Result(Arguments...)> {
public:
    hook() noexcept = default;
    hook(std::nullptr_t) noexcept {}
    template <class Fn>
        requires(!std::is_same_v<std::remove_cvref_t<Fn>, hook> &&
                 !std::is_member_pointer_v<std::decay_t<Fn>> &&
                 std::is_copy_constructible_v<std::decay_t<Fn>> &&
                 std::is_invocable_r_v<Result, std::decay_t<Fn>&, Arguments...>)
    hook(Fn&& fn) {
        if (!is_null(fn)) { held_ = new holder<std::decay_t<Fn>>{std::forward<Fn>(fn)}; }
    }
    hook(hook const& other)
        : held_{other.held_ == nullptr ? nullptr : other.held_->copy()} {}
    hook(hook&& other) noexcept : held_{std::exchange(other.held_, nullptr)} {}
    hook& operator=(hook other) noexcept {
        std::swap(held_, other.held_);
        return *this;
    }
    ~hook() { delete held_; }

    /// Whether there is a function.
    explicit operator bool() const noexcept { return held_ != nullptr; }
    [[nodiscard]] bool operator==(std::nullptr_t) const noexcept { return held_ == nullptr; }
    /// Expects: there is one.
    Result operator()(Arguments... arguments) const {
        return held_->call(std::forward<Arguments>(arguments)...);
    }

private:
    template <class Fn>
    [[nodiscard]] static bool is_null(Fn const& fn) noexcept {
        if constexpr (!std::is_function_v<Fn> && !std::is_empty_v<Fn> &&
                      requires { fn == nullptr; }) {
            return fn == nullptr;
        } else {
            return false;
        }
    }

    struct callable {
        callable() = default;
        callable(callable const&) = delete;
        callable& operator=(callable const&) = delete;
        virtual ~callable() = default;
        virtual Result call(Arguments... arguments) = 0;
        [[nodiscard]] virtual callable* copy() const = 0;
    };
    template <class Fn>
    struct holder final : callable {
        template <class From>
        explicit holder(From&& from) : fn(std::forward<From>(from)) {}
        Result call(Arguments... arguments) override {
            return static_cast<Result>(fn(std::forward<Arguments>(arguments)...));
        }
        [[nodiscard]] callable* copy() const override { return new holder{fn}; }
        Fn fn;
    };

    callable* held_ = nullptr;
};

}  // namespace quire::inline QUIRE_ABI
