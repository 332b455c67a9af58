// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ring: an io_uring loop that keeps a number of transfers in flight, the device's limit for one
/// thread. No registered buffers or files. Transfers are of one page, or of runs of pages.

#include "page_file.hpp"

#include <array>
#include <cstdio>

#include <liburing.h>

namespace quire_bench {

class ring {
public:
    static constexpr unsigned depth = 64;

    /// Whether the system has io_uring and lets this process use it; says so if not.
    [[nodiscard]] static bool permitted() {
        ::io_uring tried{};
        int const failed = ::io_uring_queue_init(1, &tried, 0);
        if (failed == 0) { ::io_uring_queue_exit(&tried); }
        if (failed != 0) { std::printf("io_uring is left out: %s\n", std::strerror(-failed)); }
        return failed == 0;
    }

    /// `in_flight` transfers, at most `depth`, of `pages_each`.
    explicit ring(unsigned in_flight = depth, std::size_t pages_each = 1)
        : in_flight_{in_flight}, pages_each_{pages_each}, pages_{in_flight * pages_each} {
        if (int const failed = ::io_uring_queue_init(depth, &ring_, 0); failed < 0) {
            fail(std::string{"io_uring: "} + std::strerror(-failed));
        }
    }
    ring(ring const&) = delete;
    ring& operator=(ring const&) = delete;
    ~ring() { ::io_uring_queue_exit(&ring_); }

    /// The first page of a slot.
    [[nodiscard]] std::byte* page(unsigned slot) const noexcept {
        return pages_.page(slot * pages_each_);
    }

    /// `start(slot, sqe)` prepares a transfer of page(slot) and returns whether there was one left;
    /// `done(slot)` is called when it has ended. Returns when none is left and all have ended.
    template <class Start, class Done>
    void run(Start start, Done done) {
        unsigned in_flight = 0;
        bool more = true;
        auto const begin = [&](unsigned slot) {
            if (!more) { return; }
            auto* const sqe = ::io_uring_get_sqe(&ring_);
            more = start(slot, sqe);
            if (!more) {  // an entry that was taken must be used
                ::io_uring_prep_nop(sqe);
                sqe->user_data = nothing;
            } else {
                sqe->user_data = slot;
            }
            ++in_flight;
        };
        for (unsigned slot = 0; slot < in_flight_; ++slot) { begin(slot); }
        while (in_flight > 0) {
            if (::io_uring_submit_and_wait(&ring_, 1) < 0) { fail("io_uring_submit"); }
            std::array<::io_uring_cqe*, depth> ended;
            unsigned const count = ::io_uring_peek_batch_cqe(&ring_, ended.data(), depth);
            std::array<unsigned, depth> slots;
            unsigned transfers = 0;
            for (unsigned i = 0; i < count; ++i) {
                --in_flight;
                if (ended[i]->user_data == nothing) { continue; }
                if (ended[i]->res != static_cast<int>(pages_each_ * page_size)) {
                    fail("io_uring transfer");
                }
                slots[transfers++] = static_cast<unsigned>(ended[i]->user_data);
            }
            ::io_uring_cq_advance(&ring_, count);
            for (unsigned i = 0; i < transfers; ++i) {
                done(slots[i]);
                begin(slots[i]);
            }
        }
    }

private:
    static constexpr std::uint64_t nothing = ~std::uint64_t{0};

    ::io_uring ring_{};
    unsigned const in_flight_;
    std::size_t const pages_each_;
    page_buffer pages_;
};

}  // namespace quire_bench
