// SPDX-License-Identifier: BSL-1.0
#pragma once

/// file_opening: a file gets a slot of the pool: open and adopt.
///
/// One thread at a time opens a file of a pool. A file that is refused is closed again, and its
/// slot stays empty.

#include <quire/pool/detail/pool_core.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <class Core>
class file_opening {
public:
    using file_type = typename Core::file_type;

    file_opening(Core& core, file_options const& options) noexcept
        : core_{core}, options_{options} {}

    /// The slot of the file, which is open.
    [[nodiscard]] file_type& open(std::string const& path, open_mode mode) {
        cancellation_off const meanwhile;
        return typed("open", [&]() -> file_type& {
            return open_by("open " + path, path, [&] {
                return core_.backend.open(open_request{path, mode, options_.io, Core::page_size,
                                                       options_.follow_symlink, options_.lock});
            });
        });
    }

    /// Of a descriptor, which is closed even when it is refused.
    [[nodiscard]] file_type& adopt(int fd, std::string const& name) {
        cancellation_off const meanwhile;
        return typed("adopt", [&]() -> file_type& {
            open_request request{
                .io = options_.io, .page_size = Core::page_size, .lock = options_.lock};
            bool named = true;
            try {
                request.path = name;
            } catch (std::bad_alloc const&) { named = false; }  // the backend can still close it
            auto opened = core_.backend.adopt(fd, request);
            bool passed_on = false;
            try {
                if (!named) { throw std::bad_alloc{}; }
                return open_by("adopt " + name, name, [&] {
                    passed_on = true;
                    return std::move(opened);
                });
            } catch (...) {
                if (!passed_on) { static_cast<void>(core_.backend.close(opened)); }
                throw;
            }
        });
    }

private:
    template <class Act>
    [[nodiscard]] static file_type& typed(char const* operation, Act act) {
        try {
            return act();
        } catch (std::bad_alloc const&) {
            throw error{errc::out_of_memory, operation};
        }
    }

    template <class Open>
    [[nodiscard]] file_type& open_by(std::string const& operation, std::string const& path,
                                     Open open) {
        core_.require_own_process("open");  // before the mutex, which a fork may have copied held
        std::lock_guard const one_at_a_time{core_.files.opening};
        if (options_.seal.check == nullptr || options_.seal.seal == nullptr) {
            throw error{errc::bad_option, operation + ": a page_seal has two functions"};
        }
        if (!options_.lock.valid()) {
            throw error{errc::bad_option, operation + ": a file_lock ends before byte 2^63"};
        }
        if (path.empty() || path.find('\0') != std::string::npos) {
            throw error{errc::bad_option, std::string{operation.c_str()} +
                                              ": a path has characters, and no NUL among them"};
        }
        auto* const slot = core_.files.empty();
        if (slot == nullptr) {
            throw error{errc::too_many_files, operation + ": files_max is " +
                                                  std::to_string(core_.options.files_max)};
        }
        file_type& file = *slot;
        if (!file.dirty_in) { file.dirty_in.emplace(core_.options.frames); }
        if (!file.pages) { file.pages.emplace(core_.options.file_pages_max); }
        {
            std::lock_guard const hold{file.naming};
            file.path = path;
        }
        file.file.emplace(open());
        try {
            measure(file, operation);
        } catch (...) {
            static_cast<void>(core_.backend.close(*file.file));
            file.file.reset();
            throw;
        }
        start(file);
        return file;
    }

    void measure(file_type& file, std::string const& operation) const {
        auto const bytes = file.file->size();
        if (bytes % Core::page_size != 0) {
            throw error{errc::size_not_page_multiple,
                        operation + ": " + std::to_string(bytes) + " bytes, pages of " +
                            std::to_string(Core::page_size)};
        }
        if (bytes / Core::page_size > file.pages->pages()) {
            throw error{errc::file_too_large,
                        operation + ": " + std::to_string(bytes / Core::page_size) +
                            " pages, file_pages_max is " + std::to_string(file.pages->pages())};
        }
        file.pages_on_disk = bytes / Core::page_size;
    }

    /// From here on handles can be made.
    void start(file_type& file) const noexcept {
        if (file.generation.load(std::memory_order_relaxed) != 0) { core_.files.rename(file); }
        file.page_count.store(file.pages_on_disk, std::memory_order_relaxed);
        file.seal = options_.seal;
        file.shows_blank_pages = options_.blank == blank_pages::shown;
        file.grows_ahead.store(false, std::memory_order_relaxed);
        file.dirty_max = options_.dirty_pages_max > 0 ? options_.dirty_pages_max
                                                      : dirty_pages_max_of(core_.options.frames);
        file.dirty_limit.store(file.file->writable() ? file.dirty_max : 0,
                               std::memory_order_relaxed);
        file.frames_max = options_.frames_max;
        file.dirty.store(0, std::memory_order_relaxed);
        file.sync_error.store(0, std::memory_order_relaxed);
        file.written_ahead_from.store(deadline::min(), std::memory_order_relaxed);
        file.closing.store(false, std::memory_order_release);
        file.counters.clear();
        file.generation.fetch_add(1, std::memory_order_release);
    }

    /// An eighth of the frames is left to other pages, one at least; but one may always be dirty.
    [[nodiscard]] static std::size_t dirty_pages_max_of(std::size_t frames) noexcept {
        auto const left = frames >= 16 ? frames / 8 : std::size_t{1};
        return frames > left ? frames - left : 1;
    }

    Core& core_;
    file_options const& options_;
};

}  // namespace quire::inline QUIRE_ABI::detail
