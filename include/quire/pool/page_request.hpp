// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_request: one page that is read while the program does other things; a function is told.
///
///     struct lookup : file_type::page_request {
///         explicit lookup(quire::page_no no)
///             : page_request{no, [](page_request& self) noexcept {
///                   post_to_my_event_loop(static_cast<lookup&>(self));
///               }} {}
///     };
///     switch (file.start(request)) {
///         case quire::started::pending: return;            // the function will be called
///         case quire::started::not_now: queue(request); return;    // start it again later
///         case quire::started::ready: break;
///     }
///     auto held = request.take();                          // the page's pin, or its error
///     auto page = file.read<heap_page>(request.page());    // a hit
///
/// This is what tasks are made of (pool/task_loop.hpp). It is for programs that have an event loop,
/// or coroutines, of another kind: wait until pool.native_handle() is readable (level-triggered),
/// and call pool.poll(). Where other threads use the pool, too, one of them may call the function:
/// then it has to wake the loop by an event of the program's own.
///
/// States
///     idle --start--> pending --the function is called--> over --take--> idle
///     idle --start--> over (ready), or idle (not_now)
///     pending, over --file.cancel, destruction--> idle
///
/// The function is called once for each start that gave `pending`, possibly before `start` has
/// returned: by whichever thread of the pool finishes the read, with no lock of the pool held, but
/// perhaps with guards of the program's. It must not enter the pool, must not wait, and must not
/// throw. It may end the request.
///
/// Lifetime: a request stays in place, and must not outlive the pool. To cancel one waits for the
/// function if another thread is in it, as std::stop_callback does.
/// Threads: one at a time, but for the function. Cost: nothing is allocated.

#include <quire/pool/detail/awaited_page.hpp>

namespace quire::inline QUIRE_ABI {

/// What `start` did.
enum class started : std::uint8_t {
    ready,    ///< the page is resident, and pinned: the function is not called
    pending,  ///< it is being read: the function will be called
    /// Nothing: no frame is free or holds a clean page, or too many reads are under way, or another
    /// thread has the page exclusively, or the backend has no transfers in flight, or the page is
    /// none that can be read. Read it as always (file.pin, which waits, and says what is wrong), or
    /// start again when something has changed.
    not_now,
};

template <class Core>
class page_request : immovable {
public:
    using done_function = void (*)(page_request&) noexcept;

    page_request(quire::page_no no, done_function done) noexcept : no_{no}, done_{done} {}

    [[nodiscard]] quire::page_no page() const noexcept { return no_; }

    /// What came of it, once: the page's pin; or nothing if it was not read after all (the thread
    /// that did so found no frame): start again. Errors: those of the read, as paged_file::read.
    /// Expects: it is over.
    [[nodiscard]] std::optional<page_pin<Core>> take() {
        QUIRE_EXPECTS(page_.has_value(), "a page_request is taken when it is over");
        ending const at_the_end{*this};
        if (page_->is_listening() && !page_->settle() && !page_->try_pin()) { return std::nullopt; }
        return page_->take();
    }

private:
    template <class>
    friend class paged_file;

    struct page_type : detail::awaited_page<Core> {
        page_type(detail::file_ref<Core> const& file, page_request& of) noexcept
            : detail::awaited_page<Core>{file, of.no_,
                                         [](detail::awaited_page<Core>& self) noexcept {
                                             auto& request = static_cast<page_type&>(self).owner;
                                             request.done_(request);
                                         }},
              owner{of} {}
        page_request& owner;
    };
    struct ending {
        page_request& request;
        ~ending() { request.page_.reset(); }
    };

    /// For paged_file.
    [[nodiscard]] started start(detail::file_ref<Core> const& file) {
        file.core().require_own_process("start a read");
        QUIRE_EXPECTS(!page_.has_value(), "a page_request is started again when it was taken");
        auto& page = page_.emplace(file, *this);
        if (page.try_pin()) { return started::ready; }
        detail::wanted_page const wanted{page.id(), &page.listen()};
        auto const begun = file.core().ahead.start(file.slot(), {&wanted, 1}, detail::recycle_none);
        if (begun.joined > 0) { return started::pending; }  // this request may be gone already
        if (page.try_pin()) { return started::ready; }
        page_.reset();
        return started::not_now;
    }
    void cancel() noexcept { page_.reset(); }

    quire::page_no const no_;
    done_function const done_;
    std::optional<page_type> page_;
};

}  // namespace quire::inline QUIRE_ABI
