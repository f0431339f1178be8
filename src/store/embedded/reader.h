// Reading from RocksDB: pages of messages and idempotency keys.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "chat/message.h"
#include "store/embedded/database.h"
#include "store/idempotency_record.h"
#include "store/store_metrics.h"

namespace parley::store {

/// Where a read may look.
enum class ReadFrom {
  kMemory,  ///< write buffers and the block cache: never blocks
  kDisk,    ///< wherever it takes
};

/// Stateless but for the database and the metrics, which must outlive it. Any thread.
class RocksdbReader {
 public:
  RocksdbReader(const RocksdbDatabase& database, StoreMetrics& metrics) : database_(database), metrics_(metrics) {}

  /// The page, kChatNotFound, or kUnavailable when a file cannot be read, which is logged and counted. Nothing when
  /// memory does not hold enough to tell.
  [[nodiscard]] std::optional<Result<Page>> page(const ChatId& chat, const PageRange& range, ReadFrom from) const;

  /// What was stored under `key`, whether expired or not; an empty optional inside when nothing was.
  [[nodiscard]] std::optional<Result<std::optional<IdempotencyRecord>>> key(const std::string& key,
                                                                            ReadFrom from) const;

 private:
  const RocksdbDatabase& database_;
  StoreMetrics& metrics_;
};

}  // namespace parley::store
