// SPDX-License-Identifier: BSL-1.0
#pragma once

/// open_file: one file slot of a pool.
///
/// Slots are made with the pool and never move, so a handle is a pointer to one and the generation
/// it was opened under. A generation is odd while the slot is in use; a handle of an earlier one
/// is a bug of its holder, found by one comparison. Hits do without it: the page table stays
/// with the slot when the file is closed, and is all absent then; and a later file in the slot has
/// another number, so that its frames hold none of the pages that an old handle asks for. (Numbers
/// are used again in time, see pool_options::files_max; checked builds compare generations on hits,
/// too.)
///
/// Invariants
///   I1. `page_count` counts the pages that may be read; the file has at least that many. It moves
///       under `grow` only, and after the new page is published.
///   I2. `dirty` is how many resident pages of this file are dirty, `dirty_in` which frames they
///       are in. `frames` is how many frames hold its pages, or are being looked for to hold one.
///   I3. `sync_error`, once it is an errno, stays until the slot is closed: a sync failed, and what
///       the kernel dropped will not be reported again; or ESHUTDOWN: another opener has the lock.
///   I4. `dirty_limit` is `dirty_max`, or 0 where a writer must look closer: in a closed file, a
///       read-only one, a logged one, or one with a sync error.
///   I5. A load or flush counts itself in `uses` before it looks at `closing`; close sets that,
///       then waits for `uses` to become zero. `closing` stays set while the slot is empty.

#include <quire/base/fixed_array.hpp>
#include <quire/base/page_seal.hpp>
#include <quire/io/file_backend.hpp>
#include <quire/latch/hybrid_latch.hpp>
#include <quire/pool/detail/deadline.hpp>
#include <quire/pool/detail/dirty_frames.hpp>
#include <quire/pool/detail/image_table.hpp>
#include <quire/pool/page_table.hpp>
#include <quire/pool/stats.hpp>

#include <bit>        // std::bit_ceil
#include <cerrno>     // ESHUTDOWN
#include <mutex>      // std::mutex
#include <optional>   // std::optional
#include <string>     // std::string

namespace quire::inline QUIRE_ABI::detail {

/// The log_number of a logged file while the log has nothing of it (logged_pool.hpp, leave).
inline constexpr std::uint32_t left_its_log = ~std::uint32_t{0};

template <file_backend Backend>
struct alignas(64) open_file {
    // What a hit reads.
    std::optional<page_table> pages;
    std::atomic<std::uint64_t> dirty{0};
    std::atomic<std::uint64_t> dirty_limit{0};

    std::atomic<std::uint32_t> generation{0};
    std::atomic<file_no> number{};  ///< changes while the slot is empty
    std::atomic<std::uint64_t> page_count{0};
    std::atomic<std::uint32_t> uses{0};
    std::atomic<std::uint32_t> writes{0};  ///< pages that are latched to be written now
    std::atomic<bool> closing{false};
    std::atomic<int> sync_error{0};

    hybrid_latch grow;     ///< held while the file grows; also across its I/O
    hybrid_latch syncing;  ///< held while it is synced

    std::optional<typename Backend::file> file;
    std::string path;  ///< changes under `naming`, while the slot is empty
    mutable std::mutex naming;
    page_seal seal = no_seal;
    bool shows_blank_pages = false;
    std::atomic<bool> grows_ahead{false};  ///< of its appends; who sets it can use blank pages
    std::optional<dirty_frames> dirty_in;  ///< made with `pages`
    std::atomic<std::size_t> dirty_next{0};  ///< where the next look for dirty pages begins
    std::uint64_t dirty_max = 0;
    std::size_t frames_max = 0;  ///< 0: no limit
    std::atomic<std::size_t> frames{0};
    std::uint64_t pages_on_disk = 0;  ///< guarded by `grow`
    std::atomic<deadline> written_ahead_from{deadline::min()};  ///< see may_write_ahead
    file_counters counters;
    std::atomic<std::uint32_t> log_number{0};  ///< of a logged file, else 0: change_log
    std::string log_name;                      ///< of a logged file, in its log
    std::optional<image_table> imaged;         ///< of a logged file

    /// An error about page `id` of the file.
    [[nodiscard]] error failure(errc code, std::string_view operation, page_id id, int system = 0,
                                std::string_view why = {}) const {
        return {code_of(code, system), operation, {id, system, path_of(id.file()), why}};
    }
    /// An error about file `of` itself.
    [[nodiscard]] error failure(errc code, std::string_view operation, file_no of, int system = 0,
                                std::string_view why = {}) const {
        return {code_of(code, system), operation, {page_id::none(), system, path_of(of), why}};
    }
    /// `code`, unless the errno says why the backend refuses all alike.
    [[nodiscard]] static errc code_of(errc code, int system) noexcept {
        return system == ESHUTDOWN ? errc::lock_lost : code;
    }
    /// The path of file `of`; empty when it is not open here any more.
    [[nodiscard]] std::string path_of(file_no of) const {
        std::lock_guard const hold{naming};
        return is_open() && number == of ? path : std::string{};
    }

    /// From here on a page has no bytes that its seal writes. The end of any page, when that is not
    /// known: a seal of the user's own.
    [[nodiscard]] std::size_t first_unsealed() const noexcept {
        if (seal.seal == no_seal.seal) { return 0; }
        return seal.seal == crc_seal.seal ? crc_seal_bytes : ~std::size_t{0};
    }
    /// What the file's seal says of page `id`, and the seal's own mark on it. With the value that
    /// the file was opened with.
    [[nodiscard]] page_state check(std::span<std::byte const> bytes, page_id id) const noexcept {
        return seal.check(bytes, id, seal.file_value);
    }
    void seal_page(std::span<std::byte> bytes, page_id id) const noexcept {
        seal.seal(bytes, id, seal.file_value);
    }
    /// What a seal writes into a page that was just made, but no CRC-32C yet, which would cost more
    /// than all else in making a page. `accepts()`: whether the page is one of its kind.
    template <class Accepts>
    void begin_seal(std::span<std::byte> bytes, page_id id, Accepts accepts) const noexcept {
        bool const has_crc = seal.seal == crc_seal.seal;
        auto const before = load_le<std::uint32_t>(bytes.data());
        if (has_crc) {
            store_le<std::uint32_t>(bytes.data(), ~before);  // any other serves to ask
            store_le<std::uint64_t>(bytes.data() + 4, id.page().value());
        } else {
            seal_page(bytes, id);
        }
        QUIRE_EXPECTS(accepts(),
                      "a page kind leaves alone what its file's seal writes (crc_seal: the first "
                      "12 bytes, quire::crc_seal_bytes, and a kind that says its first_field_at is "
                      "checked by the compiler; or open the file with no_seal)");
        if (has_crc) { store_le<std::uint32_t>(bytes.data(), before); }
    }

    /// Whether the file is open and not being closed, and will not be before `end_use`, which is
    /// called in either case. See I5.
    [[nodiscard]] bool begin_use() noexcept {
        uses.fetch_add(1, std::memory_order_seq_cst);
        return !closing.load(std::memory_order_seq_cst);
    }
    void end_use() noexcept { uses.fetch_sub(1, std::memory_order_seq_cst); }

    /// The page in frame `f` has become dirty, or clean. Expects: the frame is latched.
    [[gnu::noinline]] void now_dirty(frame_no f) noexcept {  // rare, next to a write guard
        dirty_in->add(f);
        dirty.fetch_add(1, std::memory_order_relaxed);
    }
    void now_clean(frame_no f) noexcept {
        dirty_in->remove(f);
        dirty.fetch_sub(1, std::memory_order_relaxed);
    }

    /// A sync failed, or another opener has the lock: see I3.
    void write_no_more(int system) noexcept {
        sync_error.store(system, std::memory_order_release);
        dirty_limit.store(0, std::memory_order_release);
    }
    /// A page could not be written, or its log could not.
    void could_not_write(int system = 0) noexcept {
        if (system == ESHUTDOWN) { write_no_more(system); }
        constexpr std::chrono::nanoseconds pause = std::chrono::seconds{1};
        written_ahead_from.store(deadline_after(pause), std::memory_order_relaxed);
    }
    /// Whether a page may be written although nothing needs that yet: not of a file that failed
    /// less than a second ago, so that its pages are not tried over and over; nor after a sync
    /// error.
    [[nodiscard]] bool may_write_ahead() const noexcept {
        auto const from = written_ahead_from.load(std::memory_order_relaxed);
        return sync_error.load(std::memory_order_acquire) == 0 &&
               (from == deadline::min() || has_passed(from));
    }

    [[nodiscard]] bool is_open() const noexcept {
        return generation.load(std::memory_order_acquire) % 2 == 1;
    }
    [[nodiscard]] bool has_page(page_no no) const noexcept {
        return no.value() < page_count.load(std::memory_order_acquire);
    }
};

/// The file slots of a pool, at most 16,384. The low bits of a file's number are its slot, those
/// above, two bits at least, count how often the slot was opened.
template <file_backend Backend>
class file_slots {
public:
    explicit file_slots(std::size_t count) : slots_(count), capacity_{std::bit_ceil(count)} {
        for (std::size_t i = 0; i < count; ++i) { slots_[i].number = static_cast<file_no>(i); }
    }

    /// The slot of a file that is open.
    [[nodiscard]] open_file<Backend>& of(page_id id) noexcept {
        return slots_[static_cast<std::size_t>(id.file()) & (capacity_ - 1)];
    }
    /// Held by a thread that opens a file. In a forked child it may be held for ever.
    mutable std::mutex opening;

    /// An empty slot, or null. Expects: `opening` is held.
    [[nodiscard]] open_file<Backend>* empty() noexcept {
        for (auto& slot : slots_) {
            if (!slot.is_open()) { return &slot; }
        }
        return nullptr;
    }
    /// Before an empty slot gets another file.
    void rename(open_file<Backend>& slot) const noexcept {
        auto const next = static_cast<std::size_t>(slot.number.load()) + capacity_;
        bool const last = next >= static_cast<std::size_t>(file_no::unknown);
        slot.number = static_cast<file_no>(last ? next & (capacity_ - 1) : next);
    }

    /// The path of the file that is open under `number`; empty if none is.
    [[nodiscard]] std::string path(file_no number) const {
        auto const at = static_cast<std::size_t>(number) & (capacity_ - 1);
        return at < slots_.size() ? slots_[at].path_of(number) : std::string{};
    }

    [[nodiscard]] auto begin() noexcept { return slots_.begin(); }
    [[nodiscard]] auto end() noexcept { return slots_.end(); }
    [[nodiscard]] auto begin() const noexcept { return slots_.begin(); }
    [[nodiscard]] auto end() const noexcept { return slots_.end(); }

private:
    fixed_array<open_file<Backend>> slots_;
    std::size_t capacity_;
};

/// What close has to wait for. See I5.
template <file_backend Backend>
class file_use : immovable {
public:
    explicit file_use(open_file<Backend>& file) noexcept
        : file_{file}, allowed_{file.begin_use()} {}
    /// Of the file with that number: the slot may have another file by now.
    file_use(open_file<Backend>& file, file_no number) noexcept : file_use{file} {
        allowed_ = allowed_ && file_.number.load(std::memory_order_relaxed) == number;
    }
    ~file_use() { file_.end_use(); }

    /// Whether the file is open and not being closed, and will not be before this is over.
    [[nodiscard]] bool allowed() const noexcept { return allowed_; }

private:
    open_file<Backend>& file_;
    bool allowed_;
};

/// Asked before a write, a miss or an operation on the file; not on the path of a hit.
template <file_backend Backend>
void expect_open(open_file<Backend> const& file, file_no number) noexcept {
    QUIRE_EXPECTS(file.is_open() && file.number == number,
                  "a file handle is not used after close");
}

/// Of a claimed page. After the claim, since a truncation looks for claims after it has moved the
/// file's end: all four accesses are sequentially consistent, so one of the two sees the other. (No
/// fences: the thread sanitizer knows none.)
template <file_backend Backend>
void require_still_there(open_file<Backend> const& file, page_id id, char const* operation) {
    if (id.page().value() >= file.page_count.load(std::memory_order_seq_cst)) {
        throw file.failure(errc::page_out_of_range, operation, id);
    }
}

/// A file whose sync failed once is written and synced no more.
template <file_backend Backend>
void require_sound(open_file<Backend> const& file, char const* operation) {
    if (int const broken = file.sync_error.load(std::memory_order_acquire); broken != 0) {
        throw file.failure(errc::sync_failed, operation, file.number, broken);
    }
}

}  // namespace quire::inline QUIRE_ABI::detail
