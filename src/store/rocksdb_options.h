// How RocksDB is set up for a store.
#pragma once

#include <memory>
#include <vector>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include "store/store_options.h"
#include "store/write_health.h"

namespace parley::store {

/// `cache` bounds the memory: blocks, indexes, filters and write buffers are all charged to it. Errors of flushes and
/// compactions go to `health`.
[[nodiscard]] rocksdb::DBOptions database_options(const StoreOptions& options, std::shared_ptr<rocksdb::Cache> cache,
                                                  std::shared_ptr<WriteHealth> health, rocksdb::Env& env);

/// "default", with the messages, and "idempotency", in this order.
[[nodiscard]] std::vector<rocksdb::ColumnFamilyDescriptor> column_families(const StoreOptions& options,
                                                                           std::shared_ptr<rocksdb::Cache> cache);

}  // namespace parley::store
