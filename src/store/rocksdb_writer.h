// The one thread that writes: it gathers whatever waits into one batch and one fsync, and gives each message its time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "net/loop.h"
#include "store/idempotency_table.h"
#include "store/pending_append.h"
#include "store/rocksdb_database.h"
#include "store/store_options.h"

namespace parley::store {

struct WriterMetrics {
  Counter messages;      ///< stored
  Histogram batch_size;  ///< messages in a batch
  Histogram write_us;    ///< microseconds that a batch's write and fsync took
  Gauge queue;           ///< appends that wait
};

class RocksdbWriter {
 public:
  /// Starts the thread. All of it must outlive the writer.
  RocksdbWriter(RocksdbDatabase& database, IdempotencyTable& claims, const StoreOptions& options, net::LoopPool& loops);
  /// Writes what was submitted, then ends the thread.
  ~RocksdbWriter();
  RocksdbWriter(const RocksdbWriter&) = delete;
  RocksdbWriter& operator=(const RocksdbWriter&) = delete;

  /// Hands `append` over; from now on the writer finishes it on its loop and settles its key. Otherwise kOverloaded
  /// (the queue is full) or kUnavailable (a write failed before), and the writer never heard of it. Any thread.
  [[nodiscard]] Result<void> submit(std::shared_ptr<PendingAppend> append);

  [[nodiscard]] const WriterMetrics& metrics() const noexcept { return metrics_; }

 private:
  using Appends = std::vector<std::shared_ptr<PendingAppend>>;
  struct Stamped;

  void work();
  void write(Appends& appends, std::size_t begin, std::size_t end);
  [[nodiscard]] std::size_t end_of_batch(const Appends& appends, std::size_t begin) const;
  [[nodiscard]] std::int64_t next_time() const;
  void finish(std::vector<Stamped> batch);
  void settle_key(const Stamped& stamped);

  RocksdbDatabase& database_;
  IdempotencyTable& claims_;
  net::LoopPool& loops_;
  const WallClock clock_;
  const bool sync_;
  const std::size_t max_queue_;
  std::int64_t last_time_;  // the thread's

  std::mutex mutex_;
  std::condition_variable wake_;
  Appends queue_;
  bool sleeping_ = false;
  bool stopping_ = false;
  WriterMetrics metrics_;
  std::thread thread_;
};

}  // namespace parley::store
