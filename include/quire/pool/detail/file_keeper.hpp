// SPDX-License-Identifier: BSL-1.0
#pragma once

/// file_keeper: what is done otherwise in a pool that has a log, when files are opened and closed.
///
/// Behind virtual functions, so that a program whose pools have no log compiles nothing of logs: it
/// would take half as long again. The one that there is: logged_pool.

#include <quire/base/log_opening.hpp>
#include <quire/pool/options.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <class File>
class file_keeper : immovable {
public:
    virtual ~file_keeper() = default;
    /// The slot of a logged file, after what a crash left was mended.
    [[nodiscard]] virtual File& open_logged(std::string const& path, open_mode mode,
                                            file_options const& options) = 0;
    /// Before a file is opened that is not logged. Errors: log_mismatch.
    virtual void require_no_records(std::string const& path) = 0;
    [[nodiscard]] virtual log_history const& history() const noexcept = 0;
    /// Of a logged file.
    virtual void truncate(File& file, file_no number, std::uint64_t pages) = 0;
    virtual void close(File& file, file_no number, unwritten dirty) = 0;
};

/// The one of a pool, if it has a log. (Not std::unique_ptr: <memory> takes a tenth of the time in
/// which a pool is compiled.)
template <class File>
class keeper_owner : immovable {
public:
    ~keeper_owner() { delete held_; }
    void take(file_keeper<File>* made) noexcept { held_ = made; }
    explicit operator bool() const noexcept { return held_ != nullptr; }
    file_keeper<File>& operator*() const noexcept { return *held_; }
    file_keeper<File>* operator->() const noexcept { return held_; }

private:
    file_keeper<File>* held_ = nullptr;
};

}  // namespace quire::inline QUIRE_ABI::detail
