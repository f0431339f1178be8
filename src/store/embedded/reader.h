// Reading from RocksDB: pages of records, of rows and of an index, and what a write must know before.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/status.h>

#include "base/clock.h"
#include "base/error.h"
#include "net/loop.h"
#include "store/bytes.h"
#include "store/embedded/database.h"
#include "store/idempotency_record.h"
#include "store/message_store.h"
#include "store/store_metrics.h"

namespace parley::store {

/// Where a read may look.
enum class ReadFrom {
  kMemory,  ///< write buffers and the block cache: never blocks
  kDisk,    ///< wherever it takes
};

/// Stateless but for the database, the loops and the metrics, which must outlive it. Any thread.
///
/// Every call from memory yields nothing when memory does not hold enough to tell, or reading it would take too long
/// for a loop. Walks from the disk end at their deadline: kOverloaded. kUnavailable: a file cannot be read, or what it
/// holds is none of ours, which is logged and counted.
class RocksdbReader {
 public:
  template <class T>
  using Answer = std::optional<Result<T>>;

  RocksdbReader(const RocksdbDatabase& database, const net::LoopPool& loops, StoreMetrics& metrics)
      : database_(database), loops_(loops), metrics_(metrics) {}

  /// The page, or kChatNotFound.
  [[nodiscard]] Answer<RecordPage> page(const ChatId& chat, const RecordRange& range, ReadFrom from,
                                        Deadline deadline = kNoDeadline) const;

  /// What was stored under `key`, whether expired or not; an empty optional inside when nothing was.
  [[nodiscard]] Answer<std::optional<IdempotencyRecord>> key(const std::string& key, ReadFrom from) const;

  [[nodiscard]] Answer<RowPage> rows(const TableId& table, const RowRange& range, ReadFrom from,
                                     Deadline deadline = kNoDeadline) const;
  [[nodiscard]] Answer<IndexPage> index(std::string_view user, const IndexRange& range, ReadFrom from,
                                        Deadline deadline = kNoDeadline) const;

  using Values = std::vector<std::optional<std::string>>;
  /// The values under these keys, each by itself; none of them is an idempotency key.
  [[nodiscard]] Answer<Values> values(const std::vector<KeyBuffer>& keys, ReadFrom from) const;

  /// The greatest time that can be seen; 0 if there is none.
  [[nodiscard]] Answer<std::int64_t> clock(ReadFrom from) const;

 private:
  class IndexWalk;
  [[nodiscard]] Answer<IndexPage> index_at(const rocksdb::Snapshot* at, std::string_view user, const IndexRange& range,
                                           ReadFrom from, Deadline deadline) const;
  [[nodiscard]] rocksdb::Status get(const KeyBuffer& key, const rocksdb::ReadOptions& options,
                                    rocksdb::PinnableSlice& value) const;
  /// What the read ends with if it cannot go on.
  template <class T>
  [[nodiscard]] std::optional<Answer<T>> failed(const rocksdb::Status& status, ReadFrom from) const;

  const RocksdbDatabase& database_;
  const net::LoopPool& loops_;
  StoreMetrics& metrics_;
};

}  // namespace parley::store
