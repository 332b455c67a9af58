// SPDX-License-Identifier: BSL-1.0
#pragma once

/// awaited_page: a page that is to be resident and pinned, and a function that is told when it is.
///
///     try_pin     it is resident: pinned at once
///     listen      the waiter that reads ahead put among those that wait for the load
///     settle      after the function was called: what came of it
///     pin_now     by this thread, as a blocking access does it
///     take        the pin, once; or the error
///
/// Invariants
///   I1. While `is_listening` the waiter may be in the list of load_waiters, so this stays in
///       place. `give_up` ends that, and the pin if there is one.
///   I2. The function is called at most once for each `listen`, by any thread, with no lock held,
///       and touches this no more when it has passed it on.
///
/// Threads: one, but for the function.

#include <quire/pool/detail/file_ref.hpp>
#include <quire/pool/page_pin.hpp>

#include <exception>  // std::exception_ptr

namespace quire::inline QUIRE_ABI::detail {

template <class Core>
class awaited_page : immovable {
public:
    using told_function = void (*)(awaited_page&) noexcept;

    awaited_page(file_ref<Core> const& file, page_no no, told_function told) noexcept
        : file_{file}, id_{file.id_of(no)}, told_{told} {}
    ~awaited_page() { give_up(); }

    [[nodiscard]] page_id id() const noexcept { return id_; }
    [[nodiscard]] file_ref<Core> const& file() const noexcept { return file_; }

    /// If it is resident, and no thread has it exclusively.
    [[nodiscard]] bool try_pin() noexcept {
        pinned_ = core().resident.try_pin(file_.slot_open_or_not(), id_);
        return pinned_.has_value();
    }
    /// For a load that begins, or runs. Expects: it does not listen, and has no pin.
    [[nodiscard]] load_waiters::waiter& listen() noexcept { return waiter_.emplace(*this); }
    /// Whether it has joined a load, and has not settled that yet.
    [[nodiscard]] bool is_listening() const noexcept { return waiter_ && waiter_->joined(); }
    /// Expects: the function was called. False: the load ended without a result, so look again.
    [[nodiscard]] bool settle() noexcept {
        QUIRE_EXPECTS(waiter_->announced(), "a page that is waited for is taken when it is over");
        pinned_ = waiter_->pinned();
        failure_ = waiter_->failure();
        waiter_.reset();
        return pinned_ || failure_.happened();
    }
    /// Errors are kept for `take`.
    void pin_now(access_options const& how) noexcept {
        waiter_.reset();
        try {
            pinned_ = core().pin(file_.slot(), id_, how);
        } catch (...) {
            thrown_ = std::current_exception();
        }
    }
    /// Expects: it has settled, or was pinned. Errors: as paged_file::read.
    [[nodiscard]] page_pin<Core> take() {
        if (thrown_ != nullptr) { std::rethrow_exception(std::exchange(thrown_, nullptr)); }
        if (failure_.happened()) {
            throw file_.slot().failure(failure_.code, "read", id_, failure_.system);
        }
        QUIRE_EXPECTS(pinned_.has_value(), "a page that was waited for is taken once");
        return {core(), *std::exchange(pinned_, std::nullopt), id_};
    }
    /// Afterwards the function runs no more.
    void stop_listening() noexcept {
        if (is_listening()) { core().resident.leave(*waiter_); }
    }
    /// And nothing is pinned. Out of line: inlined where a program ends a request, g++ 12 cannot
    /// tell that only one that was started gets here, and warns (-Wmaybe-uninitialized).
    [[gnu::noinline]] void give_up() noexcept {
        if (core().memory().inherited()) { return; }
        stop_listening();
        if (is_listening() && waiter_->announced()) { pinned_ = waiter_->pinned(); }
        waiter_.reset();
        if (pinned_) { core().frames[*std::exchange(pinned_, std::nullopt)].latch.unpin(); }
    }

private:
    struct waiter_type : load_waiters::waiter {
        explicit waiter_type(awaited_page& of) noexcept
            : waiter{of.id_, true,
                     [](load_waiters::waiter& self) noexcept {
                         auto& awaited = static_cast<waiter_type&>(self).owner;
                         awaited.told_(awaited);
                     }},
              owner{of} {}
        awaited_page& owner;
    };

    [[nodiscard]] Core& core() const noexcept { return file_.core(); }

    file_ref<Core> const file_;
    page_id const id_;
    told_function const told_;
    std::optional<waiter_type> waiter_;
    std::optional<frame_no> pinned_;
    load_failure failure_{};
    std::exception_ptr thrown_ = nullptr;
};

}  // namespace quire::inline QUIRE_ABI::detail
