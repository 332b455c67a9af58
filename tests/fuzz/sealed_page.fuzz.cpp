// SPDX-License-Identifier: BSL-1.0
#include "fuzz/page_target.hpp"

#include <quire/base/page_seal.hpp>
#include <quire/evict/clock.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/pool/buffer_pool.hpp>

#include <memory>

// A file of one page of any bytes, opened by a pool. By choice the page is sealed first, and then
// perhaps damaged: what was not is what gets past the seal, and hostile none the less.

namespace {

template <std::size_t N>
using pool_of = quire::buffer_pool<N, quire::clock, quire::hybrid_latch, quire::memory_backend>;

template <std::size_t N>
struct setting {
    std::shared_ptr<quire::memory_store> store = std::make_shared<quire::memory_store>();
    pool_of<N> pool{{.frames = 4, .backend = {store}}};
};

constexpr quire::page_id home{quire::file_no{1}, 0};

/// Seals the page, and may do something to it then. What the seal must say, if that is known.
template <std::size_t N>
std::optional<quire::page_state> seal(std::span<std::byte, N> page, quire_test::choices& choose,
                                      unsigned how) {
    using quire::page_state;
    if ((how & 4U) != 0) { return std::nullopt; }
    if ((how & 8U) != 0) {
        quire::crc_seal.seal(page, {home.file(), choose.between(1, 65535)}, 0);
        return page_state::corrupt;
    }
    quire::crc_seal.seal(page, home, 0);
    if ((how & 16U) == 0) { return page_state::good; }
    std::size_t const at = choose.below(choose.chance(1, 2) ? 12 : N);
    page[at] ^= static_cast<std::byte>(1U << choose.below(8));
    return page_state::corrupt;
}

template <std::size_t N>
void read_from(pool_of<N>& pool, std::optional<quire::page_state> wanted, quire::page_state state,
               quire_test::choices& choose) {
    using quire::page_state;
    auto file = pool.open("f", quire::open_mode::read_write);
    try {
        file.template with_read<quire::raw_page>(0, [](auto const&) {});
        quire_test::require(state == page_state::good, "a pool reads good pages alone");
        auto guard = file.template write<quire::heap_page>(0);
        static_cast<void>(guard->contains(quire::slot_id{choose.below(12)}));
        guard->erase(quire::slot_id{choose.below(12)});
        guard->compact();
    } catch (quire::error const& e) {
        bool const refused = state != page_state::good;
        quire_test::require(!refused || file.resident_pages().empty(),
                            "a page that was refused is not kept");
        quire_test::require(refused || e.kind() == quire::errc::wrong_page_kind ||
                                e.kind() == quire::errc::corrupt_page,
                            "a good page is of another kind, or contradicts itself");
    }
    quire_test::require(!wanted || *wanted == state, "the seal sees damage, and nothing else");
    file.close(quire::unwritten::discard);
}

}  // namespace

template <std::size_t N>
void fuzz_page(std::span<std::byte, N> page, quire_test::choices& choose, unsigned how) {
    static setting<N> at;
    auto const wanted = seal<N>(page, choose, how);
    at.store->assign("f", {page.begin(), page.end()});
    read_from<N>(at.pool, wanted, quire::crc_seal.check(page, home, 0), choose);
}
