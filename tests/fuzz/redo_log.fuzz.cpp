// SPDX-License-Identifier: BSL-1.0
#include "fuzz/input.hpp"

#include <quire/io/memory_backend.hpp>
#include <quire/pool/change.hpp>

#include <cstdlib>
#include <optional>

// The bytes of a log, changed anywhere, and what a pool makes of them: the log is refused, or the
// file; or it is replayed, and then once more with the same result, unless it is refused now
// (damage behind the log's end is met when the end has come there).
//
// The content is a list of changes: two bytes of place (times eight), one of length, and the bytes.
// If it is to be repaired, every sector that was changed gets a checksum that is right.

namespace {

using bytes = std::vector<std::byte>;
using log_type = quire::redo_log<quire::memory_backend>;
using pool_type =
    quire::buffer_pool<512, quire::s3_fifo, quire::hybrid_latch, quire::memory_backend>;
constexpr std::size_t sector = 512;

/// A log that a few changes, two files, a checkpoint and a recovery have left, and a file.
struct base {
    bytes log;
    bytes file;
};
base make_base() {
    auto const store = quire::memory_store_ptr::make();
    for (std::uint64_t life = 0; life < 2; ++life) {
        log_type log{"log", {.bytes = 18 * 4096, .backend = {store}}};
        pool_type pool{{.frames = 8, .backend = {store}}, log};
        auto const file = pool.open("f", quire::open_mode::open_or_create, {.logged = true});
        auto const other = pool.open("g", quire::open_mode::open_or_create, {.logged = true});
        for (std::uint64_t i = 0; i < 6; ++i) {
            if (life == 1 && i == 2) { pool.checkpoint(); }
            log.sync(pool.change([&](quire::change<pool_type>& c) {
                auto page = i < 3 ? c.append(file) : c.write(file, i % 3);
                page->bytes().store<std::uint64_t>(64 + 8 * i, 100 * life + i);
            }));
        }
        if (life == 1) {
            log.sync(pool.change([&](auto& c) { static_cast<void>(c.append(file).page_no()); }));
            file.truncate(3);
            other.close();
        }
        file.close(quire::unwritten::discard);
        if (other.is_open()) { other.close(quire::unwritten::discard); }
    }
    return {store->bytes("log"), store->bytes("f")};
}

bytes changed(bytes log, quire_test::fuzz_input const& input) {
    auto rest = input.content;
    std::vector<std::size_t> sectors;
    while (rest.size() > 3) {
        auto const at = std::size_t{quire::load_le<std::uint16_t>(rest.data())} * 8 % log.size();
        auto const wanted = 1 + std::to_integer<std::size_t>(rest[2]) % 40;
        auto const length = std::min({wanted, rest.size() - 3, sector - at % sector});
        std::memcpy(log.data() + at, rest.data() + 3, length);
        sectors.push_back(at / sector);
        rest = rest.subspan(3 + length);
    }
    for (auto const one : sectors) {
        if (!input.is_repaired()) { break; }
        auto const whole = std::span{log}.subspan(one * sector, sector);
        quire::store_le<std::uint32_t>(whole.data(), quire::crc32c(whole.subspan(4)));
    }
    return log;
}

/// The numbers on the file's pages; nothing when the log or the file is refused.
std::optional<std::vector<std::uint64_t>> found(quire::memory_store_ptr const& store) {
    try {
        log_type log{"log", {.bytes = 18 * 4096, .backend = {store}}};
        pool_type pool{{.frames = 8, .file_pages_max = 1 << 10,
                        .on_loss = [](std::string const&, quire::error const&) {},
                        .backend = {store}},
                       log};
        auto const file = pool.open("f", quire::open_mode::open_or_create, {.logged = true});
        std::vector<std::uint64_t> numbers;
        for (std::uint64_t no = 0; no < file.pages() && no < 16; ++no) {
            try {
                auto const page = file.read(no);
                for (std::size_t at = 64; at < 112; at += 8) {
                    numbers.push_back(page->bytes().load<std::uint64_t>(at));
                }
            } catch (quire::error const&) { numbers.push_back(~std::uint64_t{0}); }
        }
        file.close(quire::unwritten::discard);
        return numbers;
    } catch (quire::error const&) { return std::nullopt; }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static base const good = make_base();
    quire_test::fuzz_input const input{data, size};
    auto const store = quire::memory_store_ptr::make();
    store->assign("log", changed(good.log, input));
    store->assign("f", good.file);
    auto const once = found(store);
    auto const again = once ? found(store) : once;
    if (again != once && again) { std::abort(); }
    return 0;
}
