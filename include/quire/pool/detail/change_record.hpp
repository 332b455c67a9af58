// SPDX-License-Identifier: BSL-1.0
#pragma once

/// change_record: the records that a pool puts into its log.
///
///     files       which files are open: number, pages, name, and when its records began, of each
///     closed      a file was written in full and synced, or its records are not wanted: no earlier
///                 record is for it
///     cut         a file has fewer pages from here on
///     change      what one change made of pages: the whole page (an image), or ranges of its bytes
///
/// All are little-endian.
///
///     files       u32 1   u32 count    count x (u32 number, u32 size of name, u64 pages,
///                                              u64 opening, name)
///     closed      u32 2   u32 number
///     cut         u32 4   u32 number   u64 pages
///     change      u32 3   u32 count    count x (u32 file, u32 ranges, u64 page, and
///                                              ranges x (move or literal);
///                                              or, with 0 ranges: u32 size of the page, bytes)
///     move        u32 offset   u32 size + 2^31   u32 from
///     literal     u32 offset   u32 size   bytes
///
/// Bytes that a change only moved within the page are a move: what was at `from` before the change
/// is at `offset` now. The moves of a page are before its literals, so that who applies them copies
/// the page once, at the first one. (A log of a build without moves has none, and is read. Such a
/// build takes a move for a range that is out of the page, and refuses the log as corrupt.)
///
/// A file's number is given out when it is opened, and never again while a record of it can be
/// read. A record with an image of a page makes the file have that page.

#include <quire/base/byte_order.hpp>
#include <quire/base/page_id.hpp>

#include <array>        // std::array
#include <string_view>  // std::string_view
#include <utility>      // std::exchange
#include <vector>       // std::vector

namespace quire::inline QUIRE_ABI::detail {

/// What a log knows of a file.
struct file_record {
    std::uint32_t number = 0;
    std::uint64_t pages = 0;
    std::uint64_t opening = 0;  ///< that of the log in which its records began (log_opening.hpp)
    std::string_view name;
};

/// A part of a page that a change moved.
struct moved_range {
    std::size_t offset;
    std::size_t size;
    std::size_t from;  ///< in the page before the change
    bool is_first;     ///< of the page's in this record: the page is as it was before the change
};
inline constexpr std::uint32_t move_flag = std::uint32_t{1} << 31;  ///< in a range's size

enum class change_tag : std::uint32_t { files = 1, closed = 2, change = 3, cut = 4 };

/// Puts a record together, in memory that is used again for the next one.
class record_writer {
public:
    /// What is in `memory` is lost. Errors, of all: std::bad_alloc.
    explicit record_writer(std::vector<std::byte>& memory) noexcept : memory_{memory} {}

    [[nodiscard]] std::span<std::byte const> record() const noexcept {
        return std::span{memory_}.first(size_);
    }
    void put(std::uint32_t value) { store_le<std::uint32_t>(room(sizeof value), value); }
    void put(std::uint64_t value) { store_le<std::uint64_t>(room(sizeof value), value); }
    void put(change_tag tag) { put(static_cast<std::uint32_t>(tag)); }
    void put(std::span<std::byte const> bytes) {
        if (!bytes.empty()) { std::memcpy(room(bytes.size()), bytes.data(), bytes.size()); }
    }

    void put_file(file_record const& file) {
        put(file.number);
        put(static_cast<std::uint32_t>(file.name.size()));
        put(file.pages);
        put(file.opening);
        put(std::as_bytes(std::span{file.name}));
    }
    void put_image(std::uint32_t file, std::uint64_t page, std::span<std::byte const> bytes) {
        put(file);
        put(std::uint32_t{0});
        put(page);
        put(static_cast<std::uint32_t>(bytes.size()));
        put(bytes);
    }
    /// Before `ranges` times put_move or put_range: first the moves.
    void begin_ranges(std::uint32_t file, std::uint64_t page, std::uint32_t ranges) {
        put(file);
        put(ranges);
        put(page);
    }
    void put_range(std::size_t offset, std::span<std::byte const> bytes) {
        put(static_cast<std::uint32_t>(offset));
        put(static_cast<std::uint32_t>(bytes.size()));
        put(bytes);
    }
    void put_move(std::uint32_t offset, std::uint32_t size, std::uint32_t from) {
        put(offset);
        put(size | move_flag);
        put(from);
    }
    static constexpr std::size_t page_head = 16;  ///< bytes before those of a page
    static constexpr std::size_t range_head = 8;
    static constexpr std::size_t move_size = 12;

private:
    [[nodiscard]] std::byte* room(std::size_t more) {
        if (memory_.size() - size_ < more) { memory_.resize(2 * memory_.size() + more); }
        return memory_.data() + std::exchange(size_, size_ + more);
    }

    std::vector<std::byte>& memory_;
    std::size_t size_ = 0;
};

/// Thrown for bytes that are no record.
struct no_record {};

/// Takes a record apart: any bytes, whoever wrote them. For each thing in it, in order, one of
///     to.file_is(file_record)
///     to.file_was_closed(number)
///     to.file_was_cut(number, pages)
///     to.page_is(file, page_no, bytes)                of the whole page
///     to.move_is(file, page_no, moved_range)          within the page
///     to.range_is(file, page_no, offset, bytes)       within the page, behind its moves
/// Throws no_record when it is none; and then the calls for what came before were made.
template <class To>
class record_reader {
public:
    static void read(std::span<std::byte const> record, std::size_t page_size, To& to) {
        record_reader one{record, page_size, to};
        switch (static_cast<change_tag>(one.number<std::uint32_t>())) {
            case change_tag::files: one.each([&] { one.read_file(); }); break;
            case change_tag::closed: to.file_was_closed(one.number<std::uint32_t>()); break;
            case change_tag::change: one.each([&] { one.read_page(); }); break;
            case change_tag::cut: one.read_cut(); break;
            default: throw no_record{};
        }
        if (!one.left_.empty()) { throw no_record{}; }
    }

private:
    record_reader(std::span<std::byte const> record, std::size_t page_size, To& to) noexcept
        : left_{record}, page_size_{page_size}, to_{to} {}

    template <class Fn>
    void each(Fn fn) {
        for (auto count = number<std::uint32_t>(); count > 0; --count) { fn(); }
    }
    [[nodiscard]] std::span<std::byte const> bytes(std::size_t count) {
        if (count > left_.size()) { throw no_record{}; }
        auto const taken = left_.first(count);
        left_ = left_.subspan(count);
        return taken;
    }
    template <class T>
    [[nodiscard]] T number() {
        return load_le<T>(bytes(sizeof(T)).data());
    }

    void read_file() {
        file_record file;
        file.number = number<std::uint32_t>();
        auto const size = number<std::uint32_t>();
        file.pages = number<std::uint64_t>();
        file.opening = number<std::uint64_t>();
        auto const name = bytes(size);
        file.name = {reinterpret_cast<char const*>(name.data()), name.size()};
        if (file.pages > page_no::max) { throw no_record{}; }
        to_.file_is(file);
    }
    void read_cut() {
        auto const file = number<std::uint32_t>();
        auto const pages = number<std::uint64_t>();
        if (pages > page_no::max) { throw no_record{}; }
        to_.file_was_cut(file, pages);
    }
    void read_page() {
        auto const file = number<std::uint32_t>();
        auto const ranges = number<std::uint32_t>();
        auto const page = number<std::uint64_t>();
        if (page >= page_no::max) { throw no_record{}; }
        if (ranges == 0) {
            if (number<std::uint32_t>() != page_size_) { throw no_record{}; }
            return to_.page_is(file, page_no{page}, bytes(page_size_));
        }
        bool are_moves = true;
        for (std::uint32_t i = 0; i < ranges; ++i) {
            auto const offset = number<std::uint32_t>();
            auto const said = number<std::uint32_t>();
            auto const size = said & ~move_flag;
            require_in_page(offset, size);
            if (size == said) {
                are_moves = false;
                to_.range_is(file, page_no{page}, offset, bytes(size));
                continue;
            }
            auto const from = number<std::uint32_t>();
            require_in_page(from, size);
            if (!are_moves) { throw no_record{}; }
            to_.move_is(file, page_no{page}, moved_range{offset, size, from, i == 0});
        }
    }
    void require_in_page(std::size_t offset, std::size_t size) const {
        if (offset > page_size_ || size > page_size_ - offset) { throw no_record{}; }
    }

    std::span<std::byte const> left_;
    std::size_t const page_size_;
    To& to_;
};

}  // namespace quire::inline QUIRE_ABI::detail
