// How RocksDB is set up for a store.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include "store/embedded/busy_chats.h"
#include "store/store_options.h"

namespace parley::store {

/// What is told of a flush or compaction that failed. Any thread.
using OnFailure = std::function<void(const rocksdb::Status& status)>;

/// `cache` bounds the memory: blocks, indexes, filters and write buffers are all charged to it.
[[nodiscard]] rocksdb::DBOptions database_options(const StoreOptions& options, std::shared_ptr<rocksdb::Cache> cache,
                                                  OnFailure on_failure, rocksdb::Env& env);

inline constexpr const char* kIdempotencyFamily = "idempotency";
inline constexpr const char* kRowsFamily = "rows";

/// "default", with the records, "idempotency" and "rows", in this order. `left_places` is LeftPlacesFilter's
/// count, and must outlive the database.
[[nodiscard]] std::vector<rocksdb::ColumnFamilyDescriptor> column_families(const StoreOptions& options,
                                                                           std::shared_ptr<rocksdb::Cache> cache,
                                                                           std::shared_ptr<const BusyChats> busy,
                                                                           std::atomic<std::uint64_t>& left_places);

}  // namespace parley::store
