// SPDX-License-Identifier: BSL-1.0
#pragma once

/// pool: the buffer pool with its defaults, files, guards and raw pages; no rows and no Boost.
///
/// For programs that bring page kinds of their own, and for headers that many sources include. It
/// takes less than two thirds of the time of quire.hpp to compile. Other policies, latches and
/// backends have headers of their own.

#include <quire/borrow/raw_page.hpp>
#include <quire/pool/buffer_pool.hpp>
