// Reading from RocksDB: pages of messages and idempotency keys.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "chat/message.h"
#include "store/idempotency_record.h"
#include "store/rocksdb_database.h"

namespace parley::store {

/// Where a read may look.
enum class ReadFrom {
  kMemory,  ///< write buffers and the block cache: never blocks
  kDisk,    ///< wherever it takes
};

/// Stateless but for the database, which must outlive it. Any thread.
class RocksdbReader {
 public:
  explicit RocksdbReader(const RocksdbDatabase& database) : database_(database) {}

  /// The page, kChatNotFound, or kUnavailable when a file cannot be read. Nothing when memory does not hold enough to
  /// tell.
  [[nodiscard]] std::optional<Result<Page>> page(const ChatId& chat, const PageRange& range, ReadFrom from) const;

  /// What was stored under `key`, whether expired or not; an empty optional inside when nothing was.
  [[nodiscard]] std::optional<Result<std::optional<IdempotencyRecord>>> key(const std::string& key,
                                                                            ReadFrom from) const;

 private:
  const RocksdbDatabase& database_;
};

}  // namespace parley::store
