// SPDX-License-Identifier: BSL-1.0
#pragma once

/// check_backend: whether a model of file_backend keeps the rules of the concept's table.
///
///     auto const found = quire::testing::check_backend<my_backend>({.path = "scratch/check"});
///
/// The check does what a pool does: it opens, submits, reaps and closes, and looks at bytes and
/// errors. A backend may hand out its ops in `submit` or in `reap`, in any order, and may let
/// neighbours travel together. The check reaps in several threads, one at a time.
/// It makes files whose names begin with `path`: their directory exists, and they do not. In a file
/// system it removes them. If the first cannot be made the report says that, and nothing else.
///
///   expression    the rules that are checked; a broken one is named by these words
///   open          what is missing is refused with open_failed and ENOENT, or made: as the mode
///                 says
///                 create_new refuses what exists with open_failed and EEXIST
///                 what exists keeps its size and its bytes, and is writable as the mode says
///                 create_or_replace empties what exists; refused, it leaves the content as it was
///                 one writer or any number of readers, others get file_locked (if `locks`)
///                 openers whose locks have no byte in common do not exclude each other (likewise)
///   submit        every op is handed out, by submit or by a later reap
///                 the ops that are complete on return are moved to the front and counted
///                 what is written is read, whether it travels alone or with its neighbours
///                 touches only the bytes of its ops
///                 a read past the end is io_ended, and harms no other op
///                 a page of which the file has only a part is io_ended
///                 threads may submit at once
///   transfer      has completed every op when it returns, and reap hands none of them out (if the
///                 backend has it)
///   reap          hands out no op twice, and none that was not submitted
///                 an op that is handed out has its result
///                 hands out ops that other threads have submitted
///                 writes no more pointers than `done` has room for, and returns how many
///                 an op that was handed out is not touched again, and neither are its bytes
///                 is over soon after `wait`, and at once without ops
///   interrupt     ends the reap that waits, or else the next one
///   sync          is 0 when nothing is wrong
///   resize        is what size says; new bytes read as zeros
///                 a size that is too large is refused, and leaves size and bytes
///                 is refused, as writes are, where the file was opened for reading
///   close         gives the lock back, and once more does nothing
///   file          once moved it is the same file
///
/// An op that is not handed out by `wait_max` ends the check: it stays in flight, and what follows
/// could not be judged.
/// Not checked: durability, which takes a crash, and errors of a device, which take a device. Of
/// `interrupt` only its time is seen, and only in a backend whose transfers take long enough.
/// Cost: some megabytes in files, a tenth of a second.

#include <quire/testing/detail/backend_files.hpp>
#include <quire/testing/detail/backend_hand_outs.hpp>
#include <quire/testing/detail/backend_transfers.hpp>

#include <cerrno>  // EEXIST

namespace quire::inline QUIRE_ABI::testing {

namespace detail {

struct no_options {};
template <class Backend>
struct backend_options {
    using type = no_options;
};
template <class Backend>
    requires requires { typename Backend::options; }
struct backend_options<Backend> {
    using type = typename Backend::options;
};

/// Whether the trial can begin; if not, the report says why.
template <file_backend Backend>
[[nodiscard]] bool can_make_files(report& found, backend_bench<Backend>& tried) {
    try {
        typename backend_bench<Backend>::opened const first{tried, open_mode::create_new, "-0"};
        return true;
    } catch (error const& e) {
        bool const there = e.kind() == errc::open_failed && e.system_errno() == EEXIST;
        found.expect(false,
                     there ? "the trial's files are already there: give it another path"
                           : "the trial's files cannot be made",
                     e.what());
    } catch (std::exception const& e) {
        found.expect(false, "the trial's files cannot be made", e.what());
    }
    return false;
}

template <file_backend Backend>
void check_backend(report& found, backend_trial const& trial,
                   typename Backend::options const& options) {
    backend_bench<Backend> tried{trial, options};
    if (!can_make_files(found, tried)) { return; }
    found.note_checked("file_backend");
    try {
        backend_files<Backend>{found, tried}.run();
        backend_transfers<Backend>{found, tried}.run();
        backend_hand_outs<Backend>{found, tried}.run();
    } catch (stuck const&) { found.expect(false, backend_rules::handed_out); }
    if (!trial.locks) { found.note_unchecked(backend_rules::locks, "`locks` is false"); }
}

}  // namespace detail

/// `Backend` models file_backend. See backend_trial for the options of the check.
template <class Backend>
report check_backend(backend_trial const& trial = {},
                     typename detail::backend_options<Backend>::type const& options = {}) {
    static_assert(file_backend<Backend>,
                  "the parameter of check_backend models quire::file_backend");
    report found;
    if constexpr (file_backend<Backend>) {
        found.section("backend: is made and destroyed without an error",
                      [&] { detail::check_backend<Backend>(found, trial, options); });
    }
    return found;
}

}  // namespace quire::inline QUIRE_ABI::testing
