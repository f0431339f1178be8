// The one thread that writes: group commit.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include "net/loop.h"
#include "store/bell.h"
#include "store/chat_epochs.h"
#include "store/embedded/database.h"
#include "store/embedded/raised_chats.h"
#include "store/embedded/unseen_rows.h"
#include "store/embedded/write_queue.h"
#include "store/store_metrics.h"
#include "store/store_options.h"

namespace parley::store {

/// Turns whatever waits into one batch, one write and one fsync, gives each record its time, and wakes each loop once
/// a batch. Index rows are raised in the batch of the record that needs it, so that neither is ever there without the
/// other. All that a batch raises get the time of its first record. A request brings what must be known, so the writer
/// never waits for a read. Where a chat's rows were before may not be known, and its old places stay behind then: see
/// left_places_filter.h.
///
/// What a request is answered, once the batch is written that it is in or rests on: its outcome; kOverloaded (its
/// deadline passed first) or kUnavailable (the store takes no writes), when nothing was done; kOutcomeUnknown when the
/// write failed. Its claim is settled accordingly.
class RocksdbWriter {
 public:
  /// What the writer tells to others, who outlive it.
  struct Others {
    ChatEpochs& epochs;  ///< which chats it writes to
    Bell& bell;          ///< rings when a batch can be seen
    StoreMetrics& metrics;
  };

  RocksdbWriter(const RocksdbDatabase& database, const StoreOptions& options, net::LoopPool& loops, Others others);
  /// Writes what waits, and answers it.
  ~RocksdbWriter();
  RocksdbWriter(const RocksdbWriter&) = delete;
  RocksdbWriter& operator=(const RocksdbWriter&) = delete;

  /// False when StoreOptions::max_queue requests wait already: it was not taken. On its loop.
  [[nodiscard]] bool enqueue(WriteRequestPtr request) { return queue_->push(std::move(request)); }

  /// How many batches can be seen. Any thread.
  [[nodiscard]] std::uint64_t batches() const noexcept { return batches_.load(std::memory_order_acquire); }

 private:
  using Requests = WriteQueue::Requests;
  using What = WriteOutcome::What;
  struct Judged {
    WriteRequestPtr request;
    What what;              // kDone: it is in the batch; kRefused: by what is stored, or in the batch
    std::int64_t time = 0;  // of its first record
    bool raised = false;    // its index rows
  };

  struct Place {        // in an index's order
    std::size_t begin;  // of its key, in place_keys_
    std::size_t size;
    bool gone;
  };

  void run();
  void write_some();
  [[nodiscard]] bool gather();
  void handle(WriteRequestPtr request, std::int64_t wall);
  [[nodiscard]] What judge(const WriteRequest& request) const;
  [[nodiscard]] bool look(const std::string& key, std::optional<std::string>& value) const;
  void add_records(const WriteRequest& request, std::int64_t time);
  [[nodiscard]] bool raise_index(const WriteRequest& request);
  void move_in_order(std::string_view user, std::string_view chat, std::int64_t from);
  void add_place(std::string_view user, std::int64_t time, std::string_view chat, bool gone);
  void put_places();
  void put_lane_row();
  void add_rows(const TableWrite& table);
  void refuse(WriteRequestPtr request, Error error);
  [[nodiscard]] static bool changes_a_chat(const Judged& judged) noexcept {
    return judged.what == What::kDone && judged.request->change.has_value();
  }
  void commit();
  [[nodiscard]] bool write();
  void settle(Judged& judged, bool written);
  void store_failed(std::string_view reason);
  void answer(WriteRequestPtr request);
  void wake_loops();
  void ring() const;

  const RocksdbDatabase& database_;
  const StoreOptions options_;
  net::LoopPool& loops_;
  const Others others_;
  rocksdb::WriteOptions write_options_;

  const std::shared_ptr<WriteQueue> queue_;
  std::atomic<std::uint64_t> batches_{0};

  // The writer's alone:
  Requests taken_;
  std::size_t next_ = 0;
  std::vector<Judged> judged_;  // answered once the batch is written
  rocksdb::WriteBatch batch_;
  // What comes into the batch yet:
  std::vector<Place> places_;
  std::string place_keys_;
  std::vector<std::string_view> raised_in_batch_;  // chats, named by their requests
  std::int64_t batch_time_ = 0;                    // of the batch's first record; 0: it has none
  std::string value_;
  std::vector<Requests> answered_;  // by loop
  std::int64_t last_time_;
  UnseenRows unseen_;
  RaisedChats raised_;

  std::thread thread_;
};

}  // namespace parley::store
