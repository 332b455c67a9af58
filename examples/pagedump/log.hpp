// SPDX-License-Identifier: BSL-1.0
#pragma once

/// log: what a log's file has: its headers, its openings, each record of a pool, and where and why
/// it ends.
///
///     record 437008  bytes 56  kind change       ends at position 437008, its LSN
///       bank.db page 5  ranges 3928+24           24 bytes from byte 3928 of the page on
///       bank.db page 6  ranges 640+96 from 632   96 bytes there are what was at byte 632
///
/// Bytes are taken apart by what quire itself opens a log with: log_header, log_reader (which
/// records are whole, where the end is, what is damage) and record_reader (what a pool put into
/// one). The file is read, not opened as a log: nothing is locked, mended or written. A record that
/// is no pool's is shown as bytes.

#include "item.hpp"

#include <quire/log/detail/log_file.hpp>
#include <quire/pool/detail/change_record.hpp>

#include <fstream>
#include <map>
#include <optional>
#include <stdexcept>

namespace pagedump {

/// What one record says, line by line. Its functions are called by a record_reader.
class record_lines {
public:
    explicit record_lines(std::map<std::uint32_t, std::string>& names) : names_{names} {}

    void file_is(quire::detail::file_record const& file) {
        news_.emplace_back(file.number, std::string{file.name});
        item one{"file " + std::string{file.name}};
        one.add("number", file.number).add("pages", file.pages).add("opening", file.opening);
        lines.push_back(std::move(one));
    }
    void file_was_closed(std::uint32_t file) { lines.push_back({"closed " + name(file)}); }
    void file_was_cut(std::uint32_t file, std::uint64_t pages) {
        lines.push_back(item{"cut " + name(file)}.add("pages", pages));
    }
    void page_is(std::uint32_t file, quire::page_no no, bytes_type bytes) {
        lines.push_back(item{name(file) + " page " + std::to_string(no.value())}.add(
            "image", counted(bytes.size(), "byte")));
    }
    void move_is(std::uint32_t file, quire::page_no no, quire::detail::moved_range const& move) {
        add_range(file, no, move.offset, move.size) += " from " + std::to_string(move.from);
    }
    void range_is(std::uint32_t file, quire::page_no no, std::size_t offset, bytes_type bytes) {
        add_range(file, no, offset, bytes.size());
    }
    /// The record is whole: files have the names that it gave them.
    void accept() {
        for (auto& [number, name] : news_) { names_[number] = std::move(name); }
    }

    std::vector<item> lines;

private:
    std::string& add_range(std::uint32_t file, quire::page_no no, std::size_t offset,
                           std::size_t size) {
        auto const page = name(file) + " page " + std::to_string(no.value());
        if (lines.empty() || lines.back().name != page || lines.back().fields[0].first == "image") {
            lines.push_back(item{page}.add("ranges", ""));
        }
        auto& ranges = lines.back().fields[0].second;
        ranges += (ranges.empty() ? "" : ", ") + std::to_string(offset) + '+' +
                  std::to_string(size);
        return ranges;
    }
    [[nodiscard]] std::string name(std::uint32_t file) const {
        auto const found = names_.find(file);
        return found == names_.end() ? "file " + std::to_string(file) : found->second;
    }

    std::map<std::uint32_t, std::string>& names_;
    std::vector<std::pair<std::uint32_t, std::string>> news_;
};

class log_dump {
    static constexpr std::size_t block = quire::detail::log_block;
    using header_type = quire::detail::log_header;
    using reader = quire::detail::log_reader;
    using kind = quire::detail::log_record;

public:
    explicit log_dump(std::string const& path)
        : file_{path, std::ios::binary | std::ios::ate}, all_{path} {
        if (!file_) { throw std::runtime_error{path + " cannot be opened"}; }
        blocks_ = static_cast<std::uint64_t>(file_.tellg()) / block;
    }
    /// Everything. Its field "WRONG" is there when the log is damaged.
    [[nodiscard]] item describe() {
        describe_headers();
        if (header_) { describe_records(); }
        return std::move(all_);
    }

private:
    using block_type = quire::detail::log_block_bytes;

    [[nodiscard]] block_type read(std::uint64_t no) {
        file_.clear();
        file_.seekg(static_cast<std::streamoff>(no * block));
        if (!file_.read(reinterpret_cast<char*>(room_.data()), block)) {
            throw std::runtime_error{"block " + std::to_string(no) + " cannot be read"};
        }
        return block_type{room_};
    }
    void describe_headers() {
        for (std::uint64_t i = 0; i < 2 && i < blocks_; ++i) {
            auto const bytes = read(i);
            item one{"header " + std::to_string(i)};
            if (header_type::is_valid(bytes)) {
                auto const its = header_type::read(bytes);
                one.add("headers before", its.sequence).add("epoch", its.epoch);
                one.add("recovery begins at", its.start);
                if (!header_ || its.sequence > header_->sequence) { header_ = its; }
            } else {
                one.add("is", quire::detail::all_zero(bytes) ? "blank" : "none");
            }
            all_.below.push_back(std::move(one));
        }
        if (!header_) { return wrong("it has no header"); }
        all_.add("log", header_->history.log).add("blocks in its ring", header_->blocks);
        item openings{"openings, the last one first"};
        for (auto const one : header_->history.openings) {
            if (one != 0) { openings.below.push_back({std::to_string(one)}); }
        }
        all_.below.push_back(std::move(openings));
        if (blocks_ < 18 || header_->blocks > blocks_ - 2) {
            header_.reset();
            wrong("it is shorter than its header says");
        }
    }
    void wrong(std::string const& why) { all_.add("WRONG", why); }

    void describe_records() {
        using namespace quire::detail;
        auto const longest = std::min<std::uint64_t>(header_->blocks / 4 * log_block_payload,
                                                     0xFFFF'0000) -
                             reader::prefix;  // as redo_log
        reader found{header_->start, header_->epoch, longest};
        try {
            scan(found);
        } catch (reader::damage const& why) {
            wrong(why.what);
            why_ended_ = "damage: " + std::string{why.what};
        }
        item end{"end " + std::to_string(found.end())};
        end.add("records", found.records()).add("sectors", sectors_);
        end.add("durable at least to", found.durable());
        if (auto const missing = found.missing(); missing > 0) {
            end.add("torn: a record begins there that lacks", counted(missing, "byte"));
        }
        all_.below.push_back(std::move(end.add("behind it", why_ended_)));
        if (found.records() == 0) { wrong("there is no record where it begins"); }
    }
    /// As log_file does it: to the end, and on where a later life begins.
    void scan(reader& found) {
        using namespace quire::detail;
        auto const end = block_of(header_->start) + header_->blocks;
        auto next = block_of(header_->start);
        do {
            while (next < end && take(found, next)) { ++next; }
            next = block_from(found.end());
            if (next >= end) {
                why_ended_ = "the ring is full";
                break;
            }
        } while (found.goes_on(sector_of(read(2 + next % header_->blocks), 0),
                               next * log_block_payload));
    }
    /// False: the log ends in this block.
    [[nodiscard]] bool take(reader& found, std::uint64_t no) {
        using namespace quire::detail;
        auto const bytes = read(2 + no % header_->blocks);
        auto const tell = [&](kind what, std::uint64_t lsn, bytes_type record) {
            describe_record(what, lsn, record);
        };
        for (std::size_t i = 0; i < log_sectors; ++i) {
            auto const sector = sector_of(bytes, i);
            auto const position = no * log_block_payload + i * log_payload;
            if (found.take(sector, position, tell)) {
                ++sectors_;
                continue;
            }
            auto const said = log_sector::read(sector);
            why_ended_ = all_zero(sector)           ? "a blank sector"
                         : said.position < position ? "a sector of an older round of the ring"
                                                    : "a sector that a crash left of epoch " +
                                                          std::to_string(said.epoch);
            return false;
        }
        return true;
    }
    void describe_record(kind what, std::uint64_t lsn, bytes_type record) {
        item one{"record " + std::to_string(lsn)};
        one.add("bytes", record.size());
        if (what == kind::log) {
            one.add("kind", "the log's own");
        } else if (auto lines = read_record(record)) {
            static constexpr char const* tags[] = {"files", "closed", "change", "cut"};
            one.add("kind", tags[std::to_integer<std::size_t>(record[0]) - 1]);
            one.below = std::move(*lines);
        } else {
            one.add("kind", what == kind::note ? "a note that is no pool's" : "no pool's");
            one.add("content", shown(record));
        }
        all_.below.push_back(std::move(one));
    }
    /// The size of the pool's pages is in its images only: it is the one that fits.
    [[nodiscard]] std::optional<std::vector<item>> read_record(bytes_type record) {
        auto const try_size = [&](std::size_t size) -> std::optional<std::vector<item>> {
            record_lines lines{names_};
            try {
                quire::detail::record_reader<record_lines>::read(record, size, lines);
            } catch (quire::detail::no_record const&) { return std::nullopt; }
            page_size_ = size;
            lines.accept();
            return std::move(lines.lines);
        };
        if (auto found = try_size(page_size_)) { return found; }
        for (std::size_t size = 1U << 20; size >= 512; size /= 2) {
            if (auto found = try_size(size)) { return found; }
        }
        return std::nullopt;
    }

    std::ifstream file_;
    std::uint64_t blocks_ = 0;
    std::vector<std::byte> room_ = std::vector<std::byte>(block);
    std::optional<header_type> header_;
    std::map<std::uint32_t, std::string> names_;
    std::size_t page_size_ = 4096;
    std::uint64_t sectors_ = 0;  ///< before the end
    std::string why_ended_;
    item all_;
};

}  // namespace pagedump
