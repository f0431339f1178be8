// Opening the database: its folder, its options, its format.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include "base/error.h"
#include "store/store_options.h"

namespace parley::store {

/// Remembers the first failure after which nothing may be written any more. Any thread.
class WriteFailure {
 public:
  void set(std::string why);
  [[nodiscard]] std::optional<std::string> get() const;
  [[nodiscard]] bool is_set() const noexcept { return failed_.load(std::memory_order_acquire); }

 private:
  std::atomic<bool> failed_{false};
  mutable std::mutex mutex_;
  std::string why_;
};

/// An open database. Iterators must be gone before it is.
struct RocksdbDatabase {
  std::shared_ptr<WriteFailure> failure;  ///< also set by RocksDB's own background errors
  std::shared_ptr<rocksdb::Cache> cache;
  std::unique_ptr<rocksdb::DB> db;
  std::unique_ptr<rocksdb::ColumnFamilyHandle> messages;  ///< the default column family
  std::unique_ptr<rocksdb::ColumnFamilyHandle> keys;
  std::string id;
  std::int64_t last_time = 0;

  RocksdbDatabase() = default;
  RocksdbDatabase(RocksdbDatabase&&) = default;
  RocksdbDatabase& operator=(RocksdbDatabase&&) = delete;
  /// Flushes, so that the next start has nothing to replay, and closes.
  ~RocksdbDatabase();

  /// Opens or creates the store in `folder`. `env` is the file system (a test's own, or rocksdb::Env::Default()) and
  /// must outlive the result. kUnavailable, with one line that says what to do, where the folder is held by another
  /// process, cannot be used, is corrupt, or was written by a newer version.
  [[nodiscard]] static Result<RocksdbDatabase> open(const std::filesystem::path& folder, const StoreOptions& options,
                                                    rocksdb::Env* env);
};

}  // namespace parley::store
