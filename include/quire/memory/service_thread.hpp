// SPDX-License-Identifier: BSL-1.0
#pragma once

/// service_thread: a thread that works for the library, and not for the program's own code.
///
/// Its signals are blocked as they are in the thread that makes it: a program whose handlers must
/// not run in it blocks theirs meanwhile, as with any thread.
///
/// Why not std::thread: its destructor ends the program where the thread was not joined. In a
/// forked child there is no such thread, and nothing to join. (And <thread> compiles long.)
///
/// Lifetime: joined before it is destroyed, except in a forked child.
/// Errors: errc::out_of_memory, with the errno, where the system has no thread left.

#include <quire/base/error.hpp>
#include <quire/base/immovable.hpp>

#include <pthread.h>  // pthread_create, pthread_join

namespace quire::inline QUIRE_ABI {

class service_thread : immovable {
public:
    /// Runs `subject.run()`, which does not throw, until that returns. `operation` is for errors.
    template <class Subject>
    service_thread(Subject& subject, char const* operation) {
        static_assert(noexcept(subject.run()), "the function of a service_thread does not throw");
        int const failed = ::pthread_create(
            &thread_, nullptr,
            [](void* of) -> void* {
                static_cast<Subject*>(of)->run();
                return nullptr;
            },
            &subject);
        if (failed != 0) { throw error{errc::out_of_memory, operation, page_id::none(), failed}; }
    }

    /// Returns when it has ended. Expects: called once, and not in a forked child.
    void join() noexcept { static_cast<void>(::pthread_join(thread_, nullptr)); }

private:
    ::pthread_t thread_{};
};

}  // namespace quire::inline QUIRE_ABI
