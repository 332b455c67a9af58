// SPDX-License-Identifier: BSL-1.0
#pragma once

/// limits: the cost of the machine itself, below which no buffer pool can be.
///
///   bare    one load from an array of pages: the memory
///   pair    the load, between one atomic addition and one subtraction on a word of the page: the
///           cost of any latch that is entered and left
///   plain   an array as page table, frame header, latch word, and a comparison of the page id: the
///           cost of a pool that does nothing else (no policy, no counts, no errors, no threads)

#include "system.hpp"

#include <quire/memory/arena.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <vector>

namespace quire_bench {

namespace detail {

/// Pages in the same kind of memory as a pool's, each written once.
class array_of_pages {
public:
    explicit array_of_pages(std::uint32_t pages)
        : arena_{pages, page_size, quire::huge_pages::on} {
        quire::unpoison(arena_.bytes());
        for (auto& byte : arena_.bytes()) { byte = std::byte{1}; }
    }
    [[nodiscard]] std::byte const* page(std::uint32_t no) const noexcept {
        return arena_.bytes().data() + std::size_t{no} * page_size;
    }

private:
    quire::arena arena_;
};

}  // namespace detail

struct bare {
    static constexpr char const* name = "bare";

    bare(std::filesystem::path const&, std::uint32_t pages) : count{pages}, array{pages} {}
    [[nodiscard]] std::vector<std::uint32_t> resident() const { return all_pages(count); }

    struct reader {
        explicit reader(bare& of) : of_{&of} {}
        std::uint64_t read(std::uint32_t no) noexcept { return value_in(of_->array.page(no)); }

    private:
        bare* of_;
    };

    std::uint32_t count;
    detail::array_of_pages array;
};

struct pair {
    static constexpr char const* name = "pair";

    pair(std::filesystem::path const&, std::uint32_t pages)
        : count{pages}, array{pages}, words(std::make_unique<word[]>(pages)) {}
    [[nodiscard]] std::vector<std::uint32_t> resident() const { return all_pages(count); }

    struct reader {
        explicit reader(pair& of) : of_{&of} {}
        std::uint64_t read(std::uint32_t no) noexcept {
            auto& own = of_->words[no].value;
            own.fetch_add(1, std::memory_order_acquire);
            auto const value = value_in(of_->array.page(no));
            own.fetch_sub(1, std::memory_order_release);
            return value;
        }

    private:
        pair* of_;
    };

    struct alignas(64) word {
        std::atomic<std::uint64_t> value{0};
    };
    std::uint32_t count;
    detail::array_of_pages array;
    std::unique_ptr<word[]> words;
};

struct plain {
    static constexpr char const* name = "plain";

    plain(std::filesystem::path const&, std::uint32_t pages)
        : array{pages},
          headers(std::make_unique<header[]>(pages)),
          entries(std::make_unique<std::atomic<std::uint32_t>[]>(std::size_t{4} * pages)) {
        // One page in four of a file is resident, in random frames, as after some evictions.
        auto frames = all_pages(pages);
        std::minstd_rand random{1};
        std::shuffle(frames.begin(), frames.end(), random);
        for (std::uint32_t i = 0; i < pages; ++i) {
            auto const no = 4 * i + static_cast<std::uint32_t>(random() % 4);
            numbers.push_back(no);
            headers[frames[i]].page = no;
            entries[no] = frames[i] + 2;
        }
    }
    [[nodiscard]] std::vector<std::uint32_t> resident() const { return numbers; }

    struct reader {
        explicit reader(plain& of) : of_{&of} {}
        std::uint64_t read(std::uint32_t no) {
            auto const entry = of_->entries[no].load(std::memory_order_acquire);
            if (entry < 2) [[unlikely]] { fail("plain: not resident"); }
            auto& frame = of_->headers[entry - 2];
            if ((frame.latch.fetch_add(1, std::memory_order_acquire) & writer) != 0) [[unlikely]] {
                fail("plain: latched");
            }
            if (frame.page.load(std::memory_order_relaxed) != no) [[unlikely]] {
                fail("plain: another page");
            }
            auto const value = value_in(of_->array.page(entry - 2));
            frame.latch.fetch_sub(1, std::memory_order_release);
            return value;
        }

    private:
        plain* of_;
    };

    static constexpr std::uint64_t writer = std::uint64_t{1} << 31;
    struct alignas(64) header {
        std::atomic<std::uint64_t> latch{0};
        std::atomic<std::uint64_t> page{0};
    };
    std::vector<std::uint32_t> numbers;
    detail::array_of_pages array;
    std::unique_ptr<header[]> headers;
    std::unique_ptr<std::atomic<std::uint32_t>[]> entries;
};

}  // namespace quire_bench
