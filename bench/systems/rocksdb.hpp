// SPDX-License-Identifier: BSL-1.0
#pragma once

/// rocksdb: RocksDB's HyperClockCache, its block cache, by itself: lookup, load, release.

#include "system.hpp"

#include <array>
#include <memory>
#include <vector>

#include <rocksdb/cache.h>
#include <rocksdb/slice.h>

namespace quire_bench {

struct rocksdb_cache {
    static constexpr char const* name = "RocksDB cache";

    rocksdb_cache(std::filesystem::path const&, std::uint32_t pages)
        : count{pages}, blocks(std::size_t{pages} * page_size, std::byte{1}) {
        ::rocksdb::HyperClockCacheOptions const options{
            std::size_t{pages} * page_size * 2, page_size};  // nothing is evicted
        cache = options.MakeSharedCache();
        for (std::uint32_t no = 0; no < pages; ++no) {
            key const of{no};
            auto const made =
                cache->Insert(of.slice(), blocks.data() + std::size_t{no} * page_size, page_size,
                              [](::rocksdb::Slice const&, void*) {});
            if (!made.ok()) { fail("Insert: " + made.ToString()); }
        }
    }
    [[nodiscard]] std::vector<std::uint32_t> resident() const { return all_pages(count); }

    /// As long as the keys of the cache must be.
    class key {
    public:
        explicit key(std::uint32_t no) noexcept { std::memcpy(bytes_.data(), &no, sizeof no); }
        [[nodiscard]] ::rocksdb::Slice slice() const noexcept {
            return {bytes_.data(), bytes_.size()};
        }

    private:
        std::array<char, 16> bytes_{};
    };

    struct reader {
        explicit reader(rocksdb_cache& of) : cache_{of.cache.get()} {}
        std::uint64_t read(std::uint32_t no) {
            auto* const handle = cache_->Lookup(key{no}.slice());
            if (handle == nullptr) { fail("Lookup: not there"); }
            auto const value = value_in(cache_->Value(handle));
            cache_->Release(handle);
            return value;
        }

    private:
        ::rocksdb::Cache* cache_;
    };

    std::uint32_t count;
    std::vector<std::byte> blocks;
    std::shared_ptr<::rocksdb::Cache> cache;
};

}  // namespace quire_bench
