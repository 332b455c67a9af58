// SPDX-License-Identifier: BSL-1.0
#pragma once

/// log_device: the blocks of a log's file, read and written through a backend.
///
///     file     [header 0][header 1][ring of `blocks` blocks]
///
/// A block of the stream has a number that grows for ever; its place in the ring is that, modulo
/// `blocks`. All bytes that are transferred lie in the arena that the device was made with.
///
/// Errors: log_failed with the errno, when a transfer or a sync has failed.
/// Threads: one at a time.

#include <quire/base/cancellation_off.hpp>
#include <quire/io/file_backend.hpp>
#include <quire/log/detail/log_sector.hpp>
#include <quire/memory/arena.hpp>

#include <array>   // std::array
#include <string>  // std::string

namespace quire::inline QUIRE_ABI::detail {

template <file_backend Backend>
class log_device : immovable {
public:
    static constexpr std::uint64_t headers = 2;  // blocks

    /// Opens the file, or makes it. Errors: those of `open`.
    log_device(arena const& memory, typename Backend::options const& options,
               open_request const& request)
        : backend_{memory.bytes(), options},
          file_{backend_.open(request)},
          path_{request.path} {}
    ~log_device() { static_cast<void>(backend_.close(file_)); }

    [[nodiscard]] std::uint64_t size() const { return file_.size(); }
    [[nodiscard]] std::string const& path() const noexcept { return path_; }

    /// Makes the file `bytes` long.
    void resize(std::uint64_t bytes) {
        if (int const failed = backend_.resize(file_, bytes); failed != 0) {
            throw error{errc::grow_failed, "make log " + path_, page_id::none(), failed};
        }
    }
    /// Reads or writes neighbouring blocks of the file, from block `first` on.
    void transfer(io_verb verb, std::uint64_t first, std::span<std::byte> blocks) {
        std::array<op_type, batch_max> ops;
        while (!blocks.empty()) {
            std::size_t count = 0;
            for (; count < ops.size() && !blocks.empty(); ++count, ++first) {
                ops[count] = {verb, &file_, first * log_block, blocks.first(log_block)};
                blocks = blocks.subspan(log_block);
            }
            run(std::span{ops}.first(count));
            for (auto const& op : std::span{ops}.first(count)) {
                if (op.error != 0) { fail(verb == io_verb::read ? "read" : "write", op.error); }
            }
        }
    }
    /// Likewise, blocks of the ring from number `first` on, which may go round its end.
    void transfer_in_ring(io_verb verb, std::uint64_t first, std::uint64_t ring_blocks,
                          std::span<std::byte> blocks) {
        while (!blocks.empty()) {
            auto const at = first % ring_blocks;
            auto const left = (ring_blocks - at) * log_block;
            auto const part = blocks.first(blocks.size() < left ? blocks.size() : left);
            transfer(verb, headers + at, part);
            first += part.size() / log_block;
            blocks = blocks.subspan(part.size());
        }
    }
    void sync() {
        cancellation_off const meanwhile;
        if (int const failed = backend_.sync(file_); failed != 0) { fail("sync", failed); }
    }

private:
    using op_type = io_op<typename Backend::file>;
    static constexpr std::size_t batch_max = 64;  // blocks

    void run(std::span<op_type> batch) noexcept {
        std::array<op_type*, batch_max> ops;
        for (std::size_t i = 0; i < batch.size(); ++i) { ops[i] = &batch[i]; }
        cancellation_off const meanwhile;
        auto complete = backend_.submit(std::span{ops}.first(batch.size()));
        while (complete < batch.size()) { complete += backend_.reap(ops, std::chrono::seconds{1}); }
    }
    [[noreturn]] void fail(char const* what, int system) const {
        throw error{errc::log_failed, std::string{what} + " log " + path_, page_id::none(),
                    system == io_ended ? 0 : system};
    }

    Backend backend_;
    typename Backend::file file_;
    std::string path_;
};

}  // namespace quire::inline QUIRE_ABI::detail
