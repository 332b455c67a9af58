// SPDX-License-Identifier: BSL-1.0
#pragma once

/// pool: quire with its defaults: default policy and latch, direct I/O.
///
/// The file has four times as many pages as the pool has frames, and pages are read at random until
/// every frame has been reused three times on average, so that the resident pages are in random
/// frames. The file is a hole: reading it needs nothing from the device.

#include "system.hpp"

#include <quire/quire.hpp>

#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

namespace quire_bench {

struct filled_pool {
    filled_pool(std::filesystem::path const& scratch, std::uint32_t pages)
        : buffer{{.frames = pages}},
          file{buffer.open(hole(scratch / "pool.db", std::uint64_t{4} * pages),
                           quire::open_mode::read_write,
                           {.seal = quire::no_seal,
                            .io = quire::io_mode::direct_or_buffered})} {
        std::minstd_rand random{1};
        std::uniform_int_distribution<std::uint64_t> any{0, file.pages() - 1};
        while (file.stats().evictions < std::uint64_t{3} * pages) {
            for (std::uint32_t i = 0; i < pages / 2; ++i) {
                auto const page = file.read(any(random));
            }
        }
    }
    [[nodiscard]] std::vector<std::uint32_t> resident() const {
        std::vector<std::uint32_t> numbers;
        for (auto const no : file.resident_pages()) {
            numbers.push_back(static_cast<std::uint32_t>(no.value()));
        }
        return numbers;
    }

    [[nodiscard]] static std::filesystem::path hole(std::filesystem::path const& path,
                                                    std::uint64_t pages) {
        { std::ofstream const made{path}; }
        std::filesystem::resize_file(path, pages * page_size);
        return path;
    }

    quire::buffer_pool<page_size> buffer;
    quire::buffer_pool<page_size>::file file;
};

struct pool {
    pool(std::filesystem::path const& scratch, std::uint32_t pages)
        : shared{one(scratch, pages)}, file{shared->file} {}
    [[nodiscard]] std::vector<std::uint32_t> resident() const { return shared->resident(); }

    /// The pool of that many pages that another system uses already, or a new one.
    [[nodiscard]] static std::shared_ptr<filled_pool> one(std::filesystem::path const& scratch,
                                                          std::uint32_t pages) {
        static std::map<std::uint32_t, std::weak_ptr<filled_pool>> all;
        auto found = all[pages].lock();
        if (found == nullptr) {
            found = std::make_shared<filled_pool>(scratch, pages);
            all[pages] = found;
        }
        return found;
    }

    std::shared_ptr<filled_pool> shared;
    quire::buffer_pool<page_size>::file file;
};

/// A shared guard.
struct quire_read : pool {
    static constexpr char const* name = "quire";
    using pool::pool;
    struct reader {
        explicit reader(quire_read& of) : file_{of.file} {}
        std::uint64_t read(std::uint32_t no) {
            auto page = file_.read(no);
            return page->bytes().load<std::uint64_t>(value_at);
        }

    private:
        quire::buffer_pool<page_size>::file file_;
    };
};

/// An exclusive guard, of a page that is not modified.
struct quire_write : pool {
    static constexpr char const* name = "quire write";
    using pool::pool;
    struct reader {
        explicit reader(quire_write& of) : file_{of.file} {}
        std::uint64_t read(std::uint32_t no) {
            auto page = file_.write(no);
            return std::as_const(page)->bytes().load<std::uint64_t>(value_at);
        }

    private:
        quire::buffer_pool<page_size>::file file_;
    };
};

/// Without the latch.
struct quire_optimistic : pool {
    static constexpr char const* name = "quire optimistic";
    using pool::pool;
    struct reader {
        explicit reader(quire_optimistic& of) : file_{of.file} {}
        std::uint64_t read(std::uint32_t no) {
            return file_.optimistic_read(no, [](auto const& page) {
                return page.bytes().template load<std::uint64_t>(value_at);
            });
        }

    private:
        quire::buffer_pool<page_size>::file file_;
    };
};

}  // namespace quire_bench
