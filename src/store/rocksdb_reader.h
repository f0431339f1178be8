// Reading pages and keys out of the database: from memory on the loop, from the disk in a pool.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/task.h"
#include "chat/message.h"
#include "store/read_pool.h"
#include "store/rocksdb_database.h"
#include "store/rocksdb_keys.h"

namespace parley::store {

/// Every call is a loop's. The database must outlive the reader.
class RocksdbReader {
 public:
  explicit RocksdbReader(RocksdbDatabase& database) : database_(database), pool_(kThreads, kMaxQueue) {}

  /// As MessageStore::read.
  [[nodiscard]] Task<Page> read(ChatId chat, PageRange range, Deadline deadline);

  /// What is remembered under idempotency_name(), expired or not; nothing where nothing is. kOverloaded, kUnavailable.
  [[nodiscard]] Task<std::optional<KeyRecord>> find_key(const std::string& name, Deadline deadline);

  [[nodiscard]] std::int64_t pool_depth() const noexcept { return pool_.depth(); }

 private:
  static constexpr std::size_t kThreads = 2;
  static constexpr std::size_t kMaxQueue = 1024;

  RocksdbDatabase& database_;
  ReadPool pool_;
};

}  // namespace parley::store
