#include "store/rocksdb_store.h"

#include <utility>

#include <prometheus/metric_family.h>

#include "store/idempotency_table.h"
#include "store/pending_append.h"
#include "store/rocksdb_database.h"
#include "store/rocksdb_keys.h"
#include "store/rocksdb_reader.h"
#include "store/rocksdb_writer.h"

namespace parley::store {
namespace {

class RocksdbStore final : public MessageStore {
 public:
  RocksdbStore(RocksdbDatabase database, const StoreOptions& options, net::LoopPool& loops)
      : database_(std::move(database)),
        clock_(options.clock),
        window_(options.idempotency_window),
        reader_(database_),
        writer_(database_, claims_, options, loops) {}

  Task<Appended> append(Draft draft, Deadline deadline) override;
  Task<Page> read(ChatId chat, PageRange range, Deadline deadline) override {
    return reader_.read(std::move(chat), range, deadline);
  }
  Task<void> ready(Deadline) override {
    if (const auto why = database_.failure->get()) {
      co_return fail(ErrorCode::kUnavailable, "the store takes no writes since one failed: " + *why);
    }
    co_return Result<void>{};
  }
  const std::string& id() const noexcept override { return database_.id; }

  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;

 private:
  Task<Appended> append_once(Draft draft, Deadline deadline);
  Task<Appended> append_claimed(Draft draft, std::string name, Deadline deadline);
  [[nodiscard]] Result<Appended> repeat(const KeyRecord& first, const Draft& draft);
  [[nodiscard]] bool expired(const KeyRecord& record) const { return clock_() - record.send_time > window_.count(); }

  RocksdbDatabase database_;
  const WallClock clock_;
  const std::chrono::microseconds window_;
  IdempotencyTable claims_;
  Counter duplicates_;
  RocksdbReader reader_;
  RocksdbWriter writer_;
};

Task<Appended> RocksdbStore::append(Draft draft, Deadline deadline) {
  if (!draft.idempotency_key.empty()) co_return co_await append_once(std::move(draft), deadline);
  const auto pending = std::make_shared<PendingAppend>(std::move(draft), std::string(), deadline);
  if (auto submitted = writer_.submit(pending); !submitted) co_return std::unexpected(std::move(submitted).error());
  const auto time = co_await pending->wait();
  if (!time) co_return std::unexpected(time.error());
  co_return Appended{.send_time = *time, .duplicate = false};
}

/// Claims the key, or waits for whoever holds it and then answers as its outcome says.
Task<Appended> RocksdbStore::append_once(Draft draft, Deadline deadline) {
  std::string name = idempotency_name(draft);
  while (!claims_.claim(name)) {
    const auto outcome = co_await claims_.wait(name, deadline);
    if (!outcome || outcome->kind == KeyOutcome::Kind::kRefused) continue;
    if (outcome->kind == KeyOutcome::Kind::kStored) co_return repeat(outcome->record, draft);
    co_return fail(ErrorCode::kOutcomeUnknown, "an earlier send with this key has not been heard of again");
  }
  co_return co_await append_claimed(std::move(draft), std::move(name), deadline);
}

/// With the claim held: whatever happens, it is settled here or, once the writer has the append, by the writer.
Task<Appended> RocksdbStore::append_claimed(Draft draft, std::string name, Deadline deadline) {
  const auto known = co_await reader_.find_key(name, deadline);
  if (!known) {
    claims_.settle(name, {.kind = KeyOutcome::Kind::kRefused});
    co_return std::unexpected(known.error());
  }
  if (known->has_value() && !expired(**known)) {
    claims_.settle(name, {.kind = KeyOutcome::Kind::kStored, .record = **known});
    co_return repeat(**known, draft);
  }
  const auto pending = std::make_shared<PendingAppend>(std::move(draft), name, deadline);
  if (auto submitted = writer_.submit(pending); !submitted) {
    claims_.settle(name, {.kind = KeyOutcome::Kind::kRefused});
    co_return std::unexpected(std::move(submitted).error());
  }
  const auto time = co_await pending->wait();
  if (!time) co_return std::unexpected(time.error());
  co_return Appended{.send_time = *time, .duplicate = false};
}

Result<Appended> RocksdbStore::repeat(const KeyRecord& first, const Draft& draft) {
  if (first.text != digest_of(draft.text)) {
    return fail(ErrorCode::kIdempotencyConflict, "the key was used with another text");
  }
  duplicates_.add();
  return Appended{.send_time = first.send_time, .duplicate = true};
}

std::vector<prometheus::MetricFamily> RocksdbStore::collect() const {
  const WriterMetrics& writer = writer_.metrics();
  Histogram::Snapshot batches;
  writer.batch_size.add_to(batches);
  Histogram::Snapshot writes;
  writer.write_us.add_to(writes);
  std::uint64_t disk = 0;
  database_.db->GetAggregatedIntProperty("rocksdb.total-sst-files-size", &disk);
  return {
      counter_family("parley_store_messages_total", "Messages stored", {{{}, double(writer.messages.value())}}),
      counter_family("parley_store_duplicates_total", "Repeated sends that stored nothing",
                     {{{}, double(duplicates_.value())}}),
      histogram_family("parley_store_batch_messages", "Messages in one write", 1, {{{}, batches}}),
      histogram_family("parley_store_write_sync_seconds", "Duration of one write and its fsync", 1e-6, {{{}, writes}}),
      gauge_family("parley_store_queue_messages", "Messages that wait to be written",
                   {{{}, double(writer.queue.value())}}),
      gauge_family("parley_store_reads_waiting", "Reads that wait for the disk", {{{}, double(reader_.pool_depth())}}),
      gauge_family("parley_store_writable", "1, or 0 after a write has failed",
                   {{{}, database_.failure->is_set() ? 0.0 : 1.0}}),
      gauge_family("parley_store_memory_bytes", "Caches and write buffers",
                   {{{}, double(database_.cache->GetUsage())}}),
      gauge_family("parley_store_disk_bytes", "Size of the table files", {{{}, double(disk)}}),
  };
}

}  // namespace

Result<std::unique_ptr<MessageStore>> open_rocksdb_store(const std::filesystem::path& folder,
                                                         const StoreOptions& options, net::LoopPool& loops,
                                                         MetricsRegistry& metrics, rocksdb::Env* env) {
  auto database = RocksdbDatabase::open(folder, options, env == nullptr ? rocksdb::Env::Default() : env);
  if (!database) return std::unexpected(std::move(database).error());
  auto opened = std::make_unique<RocksdbStore>(*std::move(database), options, loops);
  metrics.add([store = opened.get()] { return store->collect(); });
  return opened;
}

}  // namespace parley::store
