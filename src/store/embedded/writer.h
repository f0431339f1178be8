// The one thread that writes: group commit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include "net/loop.h"
#include "store/chat_epochs.h"
#include "store/embedded/append_queue.h"
#include "store/embedded/database.h"
#include "store/store_metrics.h"
#include "store/store_options.h"

namespace parley::store {

/// Turns whatever waits into one batch, one write and one fsync, gives each message its time, and wakes each loop once
/// a batch. Never reads. `epochs` tells which chats it writes to.
///
/// What a request is answered: its time; kOverloaded (its deadline passed first) or kUnavailable (the store takes no
/// writes), when it was not stored; kOutcomeUnknown when the write failed. Its claim is settled accordingly.
class RocksdbWriter {
 public:
  RocksdbWriter(const RocksdbDatabase& database, const StoreOptions& options, net::LoopPool& loops, ChatEpochs& epochs,
                StoreMetrics& metrics);
  /// Writes what waits, and answers it.
  ~RocksdbWriter();
  RocksdbWriter(const RocksdbWriter&) = delete;
  RocksdbWriter& operator=(const RocksdbWriter&) = delete;

  /// False when StoreOptions::max_queue requests wait already: it was not taken. On its loop.
  [[nodiscard]] bool enqueue(AppendRequestPtr request) { return queue_->push(std::move(request)); }

 private:
  using Requests = AppendQueue::Requests;

  void run();
  void write_some();
  [[nodiscard]] bool gather();
  void add(AppendRequestPtr request, std::int64_t time);
  void refuse(AppendRequest& request, Error error);
  void commit();
  void store_failed(std::string_view reason);
  void answer(AppendRequestPtr request);
  void wake_loops();

  const RocksdbDatabase& database_;
  const StoreOptions options_;
  net::LoopPool& loops_;
  ChatEpochs& epochs_;
  StoreMetrics& metrics_;
  rocksdb::WriteOptions write_options_;

  const std::shared_ptr<AppendQueue> queue_;

  // The writer's alone:
  Requests taken_;
  std::size_t next_ = 0;
  struct Stamped {
    AppendRequestPtr request;
    std::int64_t time;
  };
  std::vector<Stamped> batch_requests_;
  rocksdb::WriteBatch batch_;
  std::string record_;
  std::vector<Requests> answered_;  // by loop
  std::int64_t last_time_;

  std::thread thread_;
};

}  // namespace parley::store
