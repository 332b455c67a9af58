// SPDX-License-Identifier: BSL-1.0
#pragma once

/// check_backend: whether a model of file_backend keeps the rules of the concept's table.
///
///     auto const found = quire::testing::check_backend<my_backend>({.path = "scratch/check"});
///
/// The check is the pool: it opens, submits, reaps and closes, and looks at bytes and errors. The
/// backend may complete its ops in `submit` or in `reap`, and may let neighbours travel together.
///
///   expression    the rules that are checked; a broken one is named by these words
///   open          what is missing is refused with open_failed and ENOENT, or made: as the mode
///                 says
///                 create_new refuses what exists with open_failed and EEXIST
///                 what exists keeps its size and its bytes, and is writable as the mode says
///                 one writer or any number of readers, others get file_locked (if `locks`)
///   submit        every op becomes complete, by itself or in a later reap
///                 what is written is read, whether it travels alone or with its neighbours
///                 touches no bytes but those of its ops
///                 a read past the end is io_ended, and harms no other op
///                 a page of which the file has only a part is io_ended
///                 threads may submit at once
///   reap          is over soon after `wait`, and at once without ops
///   sync          is 0 when nothing is wrong
///   resize        is what size says; new bytes read as zeros
///                 a size that cannot be had is refused, and leaves size and bytes
///                 is refused, as writes are, where the file was opened for reading
///   close         gives the lock back, and once more does nothing
///   file          once moved it is the same file
///
/// Not checked: durability, which takes a crash, and errors of a device, which take a device.
/// Cost: some megabytes in files, a tenth of a second.

#include <quire/testing/detail/backend_files.hpp>
#include <quire/testing/detail/backend_transfers.hpp>

namespace quire::inline QUIRE_ABI::testing {

template <file_backend Backend>
report check_backend(backend_trial const& trial = {},
                     typename Backend::options const& options = {}) {
    report found;
    found.section("backend: is made and unmade without an error",
                  [&] {
                      detail::backend_bench<Backend> tried{trial, options};
                      detail::backend_files<Backend>{found, tried}.run();
                      detail::backend_transfers<Backend>{found, tried}.run();
                  });
    return found;
}

}  // namespace quire::inline QUIRE_ABI::testing
