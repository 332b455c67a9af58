// SPDX-License-Identifier: BSL-1.0
#pragma once

/// rocksdb_tree: RocksDB without write-ahead log and compression, with Bloom filters of 10 bits a
/// key and a block cache for everything. An insertion is one Put, which does not ask whether the
/// key is there. A value is pinned in its block; scans use one iterator for a call.

#include "store.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <chrono>
#include <memory>
#include <thread>

namespace quire_bench {

template <std::size_t Size>
class rocksdb_tree final : public ordered_store {
public:
    static constexpr char const* name = "RocksDB";

    rocksdb_tree(std::filesystem::path const& folder, store_size size) {
        ::rocksdb::BlockBasedTableOptions blocks;
        blocks.block_cache = ::rocksdb::NewLRUCache(room_for(size.keys, Size));
        blocks.filter_policy.reset(::rocksdb::NewBloomFilterPolicy(10));
        ::rocksdb::Options options;
        options.create_if_missing = true;
        options.compression = ::rocksdb::kNoCompression;
        options.table_factory.reset(::rocksdb::NewBlockBasedTableFactory(blocks));
        ::rocksdb::DB* made = nullptr;
        check(::rocksdb::DB::Open(options, (folder / "rocksdb").string(), &made));
        db_.reset(made);
        unlogged_.disableWAL = true;
    }

    void insert(key_list keys) override {
        value_bytes<Size> bytes;
        for (auto const key : keys) {
            big_endian_key encoded{key};
            ::rocksdb::Slice const value{reinterpret_cast<char const*>(bytes.of(key)), Size};
            check(db_->Put(unlogged_, slice(encoded), value));
        }
    }
    [[nodiscard]] std::uint64_t get(unsigned, key_list keys) override {
        ::rocksdb::ReadOptions const how;
        ::rocksdb::PinnableSlice value;
        std::uint64_t sum = 0;
        for (auto const key : keys) {
            big_endian_key encoded{key};
            check(db_->Get(how, db_->DefaultColumnFamily(), slice(encoded), &value));
            sum += number_at(value.data());
            value.Reset();
        }
        return sum;
    }
    [[nodiscard]] std::uint64_t scan(key_list from, std::size_t length) override {
        std::unique_ptr<::rocksdb::Iterator> const at{db_->NewIterator({})};
        std::uint64_t sum = 0;
        for (auto const key : from) {
            big_endian_key encoded{key};
            at->Seek(slice(encoded));
            for (auto left = length; left > 0 && at->Valid(); --left, at->Next()) {
                sum += number_at(at->value().data());
            }
            check(at->status());
        }
        return sum;
    }
    /// Writes the last entries, too, and waits for the compactions.
    void settle() override {
        check(db_->Flush({}));
        for (char const* what : {"rocksdb.compaction-pending", "rocksdb.num-running-compactions",
                                 "rocksdb.num-running-flushes"}) {
            std::uint64_t busy = 1;
            while (db_->GetIntProperty(what, &busy) && busy > 0) {
                std::this_thread::sleep_for(std::chrono::milliseconds{10});
            }
        }
    }

private:
    [[nodiscard]] static ::rocksdb::Slice slice(big_endian_key& key) {
        return {key.data(), key.size()};
    }
    static void check(::rocksdb::Status const& status) {
        if (!status.ok()) { fail("RocksDB: " + status.ToString()); }
    }

    std::unique_ptr<::rocksdb::DB> db_;
    ::rocksdb::WriteOptions unlogged_;
};

}  // namespace quire_bench
