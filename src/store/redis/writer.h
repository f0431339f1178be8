// Appends and writes to Redis.
#pragma once

#include <cstdint>
#include <vector>

#include "base/task.h"
#include "store/message_store.h"
#include "store/redis/identity.h"
#include "store/redis/index.h"
#include "store/redis/steps.h"
#include "store/store_metrics.h"
#include "store/store_options.h"

namespace parley::store {

/// Makes a step of each change: first the rows of its audience are raised and confirmed, then it is done under the
/// limit that they allow. If the lane is ahead of that, the rows are raised to where it is.
class RedisWriter {
 public:
  /// What it is given must outlive it.
  RedisWriter(const RedisIdentity& identity, RedisIndex& index, RedisSteps& steps, const StoreOptions& options,
              StoreMetrics& metrics)
      : identity_(identity), index_(index), steps_(steps), options_(options), metrics_(metrics) {}

  /// As MessageStore::append(). kOutcomeUnknown if Redis lost its data or was replaced meanwhile, kUnavailable while
  /// the identity is not settled. On a loop.
  [[nodiscard]] Task<Appended> append(Change change, Deadline deadline);
  /// As MessageStore::write(), with the same.
  [[nodiscard]] Task<Written> write(TableId table, std::vector<RowWrite> rows, Deadline deadline);

 private:
  [[nodiscard]] std::int64_t now() const;

  const RedisIdentity& identity_;
  RedisIndex& index_;
  RedisSteps& steps_;
  const StoreOptions options_;
  StoreMetrics& metrics_;
};

}  // namespace parley::store
