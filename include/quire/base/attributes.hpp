// SPDX-License-Identifier: BSL-1.0
#pragma once

/// attributes: the version, the ABI namespace, and the macros that let compilers check borrows.
///
/// quire has three families of macros: contracts (contract.hpp), attributes and the version (here).
/// An attribute macro is empty where the compiler lacks the attribute, so a header reads the same
/// everywhere and no compiler warns about an attribute it does not know.
///
/// QUIRE_ABI names an inline namespace around everything. A checked build (-DQUIRE_CHECKED=1) and
/// a build with the address or the thread sanitizer each have another name: their guards and views
/// have more members, and sanitized builds never read a page without its latch. Object files of
/// two kinds in one program fail to link, instead of disagreeing about the layout.
///
/// QUIRE_LIFETIMEBOUND   after a parameter or a member function's qualifiers: the result borrows
///                       from it. Clang reports a result that outlives it.
/// QUIRE_OWNER           on a class that owns what it lends (a guard).
/// QUIRE_POINTER         on a class that only borrows (a view).
///
/// A borrow checker by -Wthread-safety (clang 21 and later) and -Wconsumed (clang), both off by
/// default:
///
/// QUIRE_LOAN(name)      on an empty class whose objects stand for "something of this is lent".
/// QUIRE_BORROWER        on a class that borrows as long as it lives: a view of a tuple, a range.
/// QUIRE_UNSEEN          on its constructors: made over bytes, it has no lender that clang can see.
/// QUIRE_ENDS_LOAN(type) declares its destructor, which is where the borrow ends.
/// QUIRE_ENDS_LOAN_UNLENT(type, loans)   likewise, and nothing of these is lent then.
/// QUIRE_LENDS           on a function of a lender (loan.hpp) that returns a borrower.
/// QUIRE_LENDS_ALONE     on one that lends mutable bytes: nothing else may be lent at that time.
/// QUIRE_LENDS_PAGE(guard), QUIRE_LENDS_PAGE_ALONE(guard)   on a function of a guard that lends its
///                       whole page by another name.
/// QUIRE_CHANGES         on a function of a lender that moves bytes. After a requires-clause.
/// QUIRE_PASSES_ON(loan) on a function of yours that returns what a page lends it, as cursors do.
/// QUIRE_UNLENT(loans)   on a function that ends the access to a page: nothing of these is lent.
/// QUIRE_TYPESTATE       on a guard. Its functions are QUIRE_WHEN_HELD; those that end it are
///                       QUIRE_GIVES_UP.
///
/// QUIRE_REFUSED(why)    = delete, with a message where the compiler prints it. For other compilers
///                       the result type of a refused overload names the reason (loan.hpp).
/// QUIRE_REFUSED_ON_SHARED(function) declares a deleted mutator in a view over const bytes. The
///                       first parameter of the view's template must be called `Byte` for it.
/// QUIRE_REFUSED_ON_TEMPORARY_PAGE(function) declares a function that lends, deleted for a page
///                       view without a name. The one for views with a name ends in `const&`.
///
/// QUIRE_SURELY_INITIALIZED_BEGIN, _END   around the end of a guard. g++ cannot prove of a guard in
///                       a guard_slot or a std::optional that it ends only where it was made, and
///                       would warn in the user's program (-Wmaybe-uninitialized).
///
/// QUIRE_ASAN            defined in builds with the address sanitizer; QUIRE_TSAN with the thread
///                       sanitizer.

#include <quire/base/detail/supported.hpp>

#define QUIRE_VERSION_MAJOR 0
#define QUIRE_VERSION_MINOR 2
#define QUIRE_VERSION_PATCH 0

#if defined(__SANITIZE_ADDRESS__)
#define QUIRE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define QUIRE_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define QUIRE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define QUIRE_TSAN 1
#endif
#endif

#if defined(QUIRE_CHECKED) && QUIRE_CHECKED && defined(QUIRE_ASAN)
#define QUIRE_ABI v0_checked_asan
#elif defined(QUIRE_CHECKED) && QUIRE_CHECKED && defined(QUIRE_TSAN)
#define QUIRE_ABI v0_checked_tsan
#elif defined(QUIRE_CHECKED) && QUIRE_CHECKED
#define QUIRE_ABI v0_checked
#elif defined(QUIRE_ASAN)
#define QUIRE_ABI v0_asan
#elif defined(QUIRE_TSAN)
#define QUIRE_ABI v0_tsan
#else
#define QUIRE_ABI v0
#endif

#if defined(__clang__)
#define QUIRE_LIFETIMEBOUND [[clang::lifetimebound]]
#define QUIRE_OWNER [[gsl::Owner]]
#define QUIRE_POINTER [[gsl::Pointer]]
#else
#define QUIRE_LIFETIMEBOUND
#define QUIRE_OWNER
#define QUIRE_POINTER
#endif

#if defined(__clang__) && __has_attribute(reentrant_capability)
#define QUIRE_LOAN(name) __attribute__((capability(name), reentrant_capability))
#define QUIRE_BORROWER __attribute__((capability("borrow"), scoped_lockable))
#define QUIRE_ENDS_LOAN(type) \
    ~type() __attribute__((release_capability())) {}
#define QUIRE_ENDS_LOAN_UNLENT(type, ...) \
    ~type() __attribute__((release_capability(), locks_excluded(__VA_ARGS__))) {}
#define QUIRE_UNSEEN __attribute__((no_thread_safety_analysis))
#define QUIRE_LENDS                                                                           \
    __attribute__((acquire_shared_capability(this->lent), locks_excluded(this->lent_mutable), \
                   no_thread_safety_analysis))
#define QUIRE_LENDS_ALONE                                           \
    __attribute__((acquire_capability(this->lent_mutable),          \
                   locks_excluded(this->lent, this->lent_mutable),  \
                   no_thread_safety_analysis))
#define QUIRE_CHANGES __attribute__((locks_excluded(this->lent, this->lent_mutable)))
#define QUIRE_PASSES_ON(loan) \
    __attribute__((acquire_shared_capability(loan), no_thread_safety_analysis))
#define QUIRE_UNLENT(...) __attribute__((locks_excluded(__VA_ARGS__)))
#define QUIRE_LENDS_PAGE(guard)                                                                 \
    __attribute__((acquire_shared_capability((guard)->lent),                                    \
                   locks_excluded((guard)->lent_mutable), no_thread_safety_analysis))
#define QUIRE_LENDS_PAGE_ALONE(guard)                                       \
    __attribute__((acquire_capability((guard)->lent_mutable),               \
                   locks_excluded((guard)->lent, (guard)->lent_mutable),    \
                   no_thread_safety_analysis))
#else
#define QUIRE_LOAN(name)
#define QUIRE_BORROWER
#define QUIRE_ENDS_LOAN(type) ~type() = default;
#define QUIRE_ENDS_LOAN_UNLENT(type, ...) ~type() {}
#define QUIRE_UNSEEN
#define QUIRE_LENDS
#define QUIRE_LENDS_ALONE
#define QUIRE_CHANGES
#define QUIRE_PASSES_ON(loan)
#define QUIRE_UNLENT(...)
#define QUIRE_LENDS_PAGE(guard)
#define QUIRE_LENDS_PAGE_ALONE(guard)
#endif

#if defined(__clang__)
#define QUIRE_TYPESTATE __attribute__((consumable(unconsumed)))
#define QUIRE_WHEN_HELD __attribute__((callable_when("unconsumed", "unknown")))
#define QUIRE_GIVES_UP \
    __attribute__((callable_when("unconsumed", "unknown"), set_typestate(consumed)))
#else
#define QUIRE_TYPESTATE
#define QUIRE_WHEN_HELD
#define QUIRE_GIVES_UP
#endif

#if defined(__clang__) && __clang_major__ >= 19
#define QUIRE_REFUSED(why)                                                                 \
    _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wc++26-extensions\"") \
        = delete(why) _Pragma("clang diagnostic pop")
#else
#define QUIRE_REFUSED(why) = delete
#endif

#if defined(__clang__)
#define QUIRE_SURELY_INITIALIZED_BEGIN
#define QUIRE_SURELY_INITIALIZED_END
#else
#define QUIRE_SURELY_INITIALIZED_BEGIN \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wmaybe-uninitialized\"")
#define QUIRE_SURELY_INITIALIZED_END _Pragma("GCC diagnostic pop")
#endif

#define QUIRE_REFUSED_AS_SHARED \
    QUIRE_REFUSED("the page is shared: what a write guard lends by -> or * can be changed")
#define QUIRE_REFUSED_ON_SHARED(function)       \
    template <class = void, class... Arguments> \
        requires(!::quire::writable_page<Byte>) \
    ::quire::the_page_is_shared function(Arguments&&...) const QUIRE_REFUSED_AS_SHARED
#define QUIRE_REFUSED_TO_MOVE \
    QUIRE_REFUSED("what a page lends stays where it was made: copy the values, or ask again")
#define QUIRE_REFUSED_TO_ASSIGN                                                            \
    QUIRE_REFUSED("a guard is made once: advance() goes on to another page, and a guard_slot " \
                  "is filled again")
#define QUIRE_REFUSED_WITHOUT_TYPE \
    QUIRE_REFUSED("say the type of the row: row<user>(slot), rows<user>(), edit<user>(slot, fn)")
#define QUIRE_REFUSED_AS_VIEW                                                                 \
    QUIRE_REFUSED("a std::string_view could outlive the page: copy the text into a std::string, " \
                  "pass the view to a function by with_view(fn), or vouch for unguarded_view()")
#define QUIRE_REFUSED_AS_SPAN                                                              \
    QUIRE_REFUSED("a std::span could outlive the page: copy the bytes, pass the span to a " \
                  "function by with_span(fn), or vouch for unguarded_span()")
#define QUIRE_REFUSED_AS_VIEW_OF_TEMPORARY_PAGE                                                \
    QUIRE_REFUSED("a const view ends before the page that it is made from: a guard gives one by " \
                  "guard.view()")
#define QUIRE_REFUSED_ADDRESS                                                            \
    QUIRE_REFUSED("a pointer to what a page lends could outlive it: pass it by reference, or ask " \
                  "the page again")
#define QUIRE_REFUSED_ON_TEMPORARIES QUIRE_REFUSED("a temporary ends at once: name it first")
#define QUIRE_REFUSED_ON_TEMPORARY_PAGE(function) \
    template <class... Arguments>                 \
    ::quire::name_the_page_first function(Arguments&&...) const&& QUIRE_REFUSED_ON_TEMPORARIES
