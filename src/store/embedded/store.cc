#include "store/embedded/store.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>
#include <rocksdb/db.h>

#include "base/log.h"
#include "store/chat_epochs.h"
#include "store/embedded/completion.h"
#include "store/embedded/database.h"
#include "store/embedded/keys.h"
#include "store/embedded/pending_keys.h"
#include "store/embedded/raised_chats.h"
#include "store/embedded/read_pool.h"
#include "store/embedded/reader.h"
#include "store/embedded/store_facts.h"
#include "store/embedded/write_request.h"
#include "store/embedded/writer.h"
#include "store/page_cache.h"
#include "store/rules.h"
#include "store/store_metrics.h"

namespace parley::store {
namespace {

constexpr std::size_t kReadThreads = 2;
constexpr std::size_t kMaxReads = 1024;

StoreMetrics::Families engine_metrics(const RocksdbDatabase& database, const PageCachesOfLoops& pages) {
  const auto property = [&database](const std::string& name) {
    std::uint64_t value = 0;
    database.db().GetAggregatedIntProperty(name, &value);
    return std::vector{std::pair{Labels{}, static_cast<double>(value)}};
  };
  StoreMetrics::Families out;
  out.push_back(gauge_family("parley_store_writable", "0 after a failed write, when no more are taken",
                             {{Labels{}, database.health().failed() ? 0.0 : 1.0}}));
  out.push_back(gauge_family("parley_store_memory_bytes", "Bytes in caches and write buffers",
                             {{Labels{}, static_cast<double>(database.memory_usage() + page_bytes(pages))}}));
  add_page_metrics(out, pages);
  out.push_back(gauge_family("parley_store_write_buffer_bytes", "Bytes in write buffers",
                             property(rocksdb::DB::Properties::kCurSizeAllMemTables)));
  out.push_back(gauge_family("parley_store_disk_bytes", "Bytes in table files",
                             property(rocksdb::DB::Properties::kTotalSstFilesSize)));
  std::error_code unknown;
  const std::filesystem::space_info space = std::filesystem::space(database.folder().path(), unknown);
  if (!unknown) {
    out.push_back(gauge_family("parley_store_disk_available_bytes", "Bytes that the file system has room for",
                               {{Labels{}, static_cast<double>(space.available)}}));
    out.push_back(gauge_family("parley_store_disk_size_bytes", "Bytes of the whole file system",
                               {{Labels{}, static_cast<double>(space.capacity)}}));
  }
  return out;
}

/// Whoever starts the server in another folder than before gets a new store, and should see so.
void log_opened(const RocksdbDatabase& database) {
  const std::string folder = database.folder().name().string();
  if (database.is_new())
    return log_info("made a new store", {{"folder", folder}, {"format", std::to_string(kFormatVersion)}});
  log_info("opened the store", {{"folder", folder},
                                {"format", std::to_string(kFormatVersion)},
                                {"last_message", readable_time(database.last_time())}});
}

class RocksdbStore final : public MessageStore {
 public:
  RocksdbStore(std::unique_ptr<RocksdbDatabase> database, const StoreOptions& options, net::LoopPool& loops,
               std::shared_ptr<StoreMetrics> metrics)
      : options_(options),
        loops_(loops),
        metrics_(std::move(metrics)),
        database_(std::move(database)),
        reader_(*database_, loops, *metrics_),
        pages_(make_page_caches(options, loops.size())),
        pending_(std::make_shared<PendingKeys>(options.max_queue)),
        bell_(loops),
        writer_(*database_, options, loops, {epochs_, bell_, *metrics_}),
        reads_(kReadThreads, kMaxReads, metrics_->read_depth),
        looks_of_writes_(kReadThreads, options.max_queue, metrics_->read_depth) {
    metrics_->set_engine([this] { return engine_metrics(*database_, pages_); });
  }
  ~RocksdbStore() override { metrics_->clear_engine(); }

  Task<Appended> append(Change change, Deadline deadline) override {
    if (auto fits = check_size(change.records, change.rows); !fits) return failed<Appended>(std::move(fits).error());
    const bool keyed = !change.idempotency_key.empty();
    auto request = request_of(std::move(change), deadline);
    return keyed ? append_once(std::move(request)) : through_writer(std::move(request));
  }

  Task<RecordPage> read(ChatId chat, RecordRange range, Deadline deadline) override {
    if (passed(deadline)) co_return not_begun();
    PageCache& pages = pages_[net::Loop::current().index()];
    const ChatEpochs::Epoch epoch = epochs_.of(chat.name());
    if (const RecordPage* const known = pages.find(chat, range, epoch)) co_return *known;
    auto page = reader_.page(chat, range, ReadFrom::kMemory);
    if (!page) {
      page = co_await from_disk<RecordPage>(
          reads_, [this, chat, range, deadline] { return *reader_.page(chat, range, ReadFrom::kDisk, deadline); },
          deadline);
    }
    if (*page) pages.put(chat, range, **page, epoch);
    co_return *std::move(page);
  }

  Task<RowPage> rows(TableId table, RowRange range, Deadline deadline) override {
    if (passed(deadline)) co_return not_begun();
    auto page = co_await look<RowPage>(
        reads_, [this, table, range, deadline](ReadFrom from) { return reader_.rows(table, range, from, deadline); },
        deadline);
    co_return page;
  }

  Task<Written> write(TableId table, std::vector<RowWrite> rows, Deadline deadline) override {
    if (auto fits = check_size({}, rows); !fits) co_return std::unexpected(std::move(fits).error());
    auto request = std::make_shared<WriteRequest>(deadline);
    request->table = TableWrite{table_prefix(table), std::move(rows)};
    const auto written = co_await through_writer(std::move(request));
    if (!written) co_return std::unexpected(written.error());
    co_return Written{.refused = written->refused};
  }

  Task<IndexPage> index(std::string user, IndexRange range, Deadline deadline) override {
    if (passed(deadline)) co_return not_begun();
    auto page = co_await look<IndexPage>(
        reads_, [this, user, range, deadline](ReadFrom from) { return reader_.index(user, range, from, deadline); },
        deadline);
    co_return page;
  }

  std::size_t lanes() const noexcept override { return 1; }
  std::size_t lane_of(std::string_view) const noexcept override { return 0; }
  std::size_t reads_at_once() const noexcept override { return 2 * kReadThreads; }

  /// Each batch brings its last time with it, so what is known is what is newest.
  Task<std::vector<std::int64_t>> clocks(Clocks, Deadline deadline) override {
    if (passed(deadline)) co_return not_begun();
    const auto clock =
        co_await look<std::int64_t>(reads_, [this](ReadFrom from) { return reader_.clock(from); }, deadline);
    if (!clock) co_return std::unexpected(clock.error());
    co_return std::vector{*clock};
  }

  Bell& bell() noexcept override { return bell_; }

  Health health() const override {
    const WriteHealth& writes = database_->health();
    return writes.failed() ? Health::only_reads("the store takes no writes: " + writes.reason()) : Health{};
  }

  std::string id() const override { return database_->store_id(); }

 private:
  using Found = std::optional<IdempotencyRecord>;

  /// Any thread.
  [[nodiscard]] bool passed(Deadline deadline) const noexcept { return deadline <= loops_.now(); }

  [[nodiscard]] static WriteRequestPtr request_of(Change&& change, Deadline deadline) {
    auto request = std::make_shared<WriteRequest>(deadline);
    if (!change.rows.empty()) {
      request->table = TableWrite{table_prefix({TableId::Of::kChat, change.chat.name()}), std::move(change.rows)};
    }
    if (!change.audience.empty()) {
      const auto told = [&change](const std::string& user) { return told_by_chat(user, change.chat.name()); };
      std::erase_if(change.audience, told);
      request->audience = hash_audience(change.audience);
    }
    request->change.emplace(std::move(change));
    return request;
  }

  /// Looks up what the writer must know, and has the request written or refused. Returns once that is durable.
  Task<Appended> through_writer(WriteRequestPtr request) {
    const Deadline deadline = request->deadline;
    for (;;) {
      request->bind();
      if (passed(deadline)) co_return not_begun();
      if (database_->health().failed()) co_return std::unexpected(WriteHealth::refusal());
      if (request->table) {
        if (auto looked = co_await look_at_rows(*request->table, deadline); !looked) {
          co_return std::unexpected(std::move(looked).error());
        }
      }
      if (!writer_.enqueue(request)) co_return fail(ErrorCode::kOverloaded, "too many sends wait for the disk");
      co_await request->until(deadline);
      auto outcome = request->outcome();
      if (!outcome && !request->take()) {
        co_return too_late("while the message was being written", ErrorCode::kOutcomeUnknown);
      }
      if (!outcome) {
        request->claim.reset();  // so that a repeat may try for itself
        co_return too_late(kBeforeTheWrite);
      }
      if (!*outcome) co_return std::unexpected(std::move(*outcome).error());
      const auto [what, time] = **outcome;
      if (what == WriteOutcome::What::kRefused) co_return Appended{.refused = true};
      if (what == WriteOutcome::What::kDone) co_return Appended{.send_time = time};
      request = again(std::move(*request));
    }
  }

  /// Looks up what rows with a condition are.
  Task<void> look_at_rows(TableWrite& table, Deadline deadline) {
    const std::vector<KeyBuffer> keys = conditions_of(table);
    if (keys.empty()) co_return Result<void>{};
    const std::uint64_t seen = writer_.batches();
    auto values = reader_.values(keys, ReadFrom::kMemory);
    if (!values) {
      values = co_await from_disk<RocksdbReader::Values>(
          looks_of_writes_, [this, keys] { return *reader_.values(keys, ReadFrom::kDisk); }, deadline);
    }
    if (!*values) co_return std::unexpected(std::move(*values).error());
    table.found = **std::move(values);
    table.found_after = seen;
    co_return Result<void>{};
  }

  /// The keys of the rows with a condition.
  [[nodiscard]] static std::vector<KeyBuffer> conditions_of(const TableWrite& table) {
    std::vector<KeyBuffer> keys;
    for (const RowWrite& row : table.rows) {
      if (row.condition == RowWrite::If::kAlways) continue;
      KeyBuffer& key = keys.emplace_back(table.prefix.begin(), table.prefix.end());
      key.insert(key.end(), row.name.begin(), row.name.end());
    }
    return keys;
  }

  /// The same request anew, for a writer that wanted to know what is newer.
  [[nodiscard]] static WriteRequestPtr again(WriteRequest&& request) {
    auto out = std::make_shared<WriteRequest>(request.deadline);
    out->change = std::move(request.change);
    out->table = std::move(request.table);
    out->audience = request.audience;
    out->hash = request.hash;
    if (request.claim) out->claim.emplace(*std::move(request.claim));
    return out;
  }

  /// An append with an idempotency key.
  Task<Appended> append_once(WriteRequestPtr request) {
    const Deadline deadline = request->deadline;
    if (passed(deadline)) co_return not_begun();
    const Change& change = *request->change;
    const RecordDraft& first = change.records.front();
    const RecordHash hash = request->hash = hash_record(first, change.idempotency_key);
    for (;;) {
      auto claimed = pending_->claim(idempotency_key_of(change.chat, first.sender, change.idempotency_key));
      if (!claimed) co_return fail(ErrorCode::kOverloaded, "too many repeated sends wait for the first");
      if (auto* claim = std::get_if<KeyClaim>(&*claimed)) {
        request->claim.emplace(std::move(*claim));
        auto appended = co_await append_first(std::move(request));
        co_return appended;
      }
      const auto repeat = std::get<PendingKeys::Repeat>(*std::move(claimed));
      co_await repeat->until(deadline);
      const auto outcome = repeat->outcome();
      if (!outcome) {
        co_return too_late("while an earlier send with this key was stored", ErrorCode::kOutcomeUnknown);
      }
      if (const auto* stored = std::get_if<IdempotencyRecord>(&*outcome)) co_return repeated(*stored, hash);
      if (const auto* unknown = std::get_if<KeyUnknown>(&*outcome)) {
        if (unknown->hash != hash) co_return std::unexpected(WriteHealth::refusal());
        co_return fail(ErrorCode::kOutcomeUnknown, "the write of an earlier send with this key failed");
      }
      if (passed(deadline)) co_return not_begun();
    }
  }

  /// The append that holds its key's claim: stores unless it was stored before this one came.
  Task<Appended> append_first(WriteRequestPtr request) {
    auto found = co_await look_up(request->claim->key(), request->deadline);
    if (!found) co_return std::unexpected(std::move(found).error());
    if (const auto& stored = *found;
        stored && !idempotency_expired(stored->send_time, options_.idempotency_window, options_.clock())) {
      request->claim->settle(*stored);
      co_return repeated(*stored, request->hash);
    }
    auto appended = co_await through_writer(std::move(request));
    co_return appended;
  }

  [[nodiscard]] Result<Appended> repeated(const IdempotencyRecord& stored, const RecordHash& hash) {
    if (stored.hash != hash) return key_conflict();
    metrics_->duplicates.add();
    return Appended{.send_time = stored.send_time, .duplicate = true};
  }

  /// As look(), but the key is copied only for the disk: each send with a key comes here.
  Task<Found> look_up(const std::string& key, Deadline deadline) {
    if (auto found = reader_.key(key, ReadFrom::kMemory)) co_return *std::move(found);
    auto found = co_await from_disk<Found>(
        looks_of_writes_, [this, key] { return *reader_.key(key, ReadFrom::kDisk); }, deadline);
    co_return found;
  }

  /// What `read` finds in memory, or else on one of `threads`.
  template <class T, class Read>
  Task<T> look(ReadPool& threads, Read read, Deadline deadline) {
    if (auto found = read(ReadFrom::kMemory)) co_return *std::move(found);
    auto found = co_await from_disk<T>(threads, [read] { return *read(ReadFrom::kDisk); }, deadline);
    co_return found;
  }

  /// Runs `read` where it may block, on one of `threads`.
  template <class T>
  Task<T> from_disk(ReadPool& threads, std::function<Result<T>()> read, Deadline deadline) {
    auto completion = std::make_shared<Completion<Result<T>>>();
    const bool taken = threads.submit([this, completion, read = std::move(read), deadline] {
      if (passed(deadline)) {
        completion->complete(too_late("before the disk was read"));
      } else {
        completion->complete(read());
      }
    });
    if (!taken) co_return fail(ErrorCode::kOverloaded, "too many reads wait for the disk");
    co_await completion->until(deadline);
    auto result = completion->outcome();
    if (!result) co_return too_late("while the disk was read");
    co_return *std::move(result);
  }

  const StoreOptions options_;
  const net::LoopPool& loops_;
  const std::shared_ptr<StoreMetrics> metrics_;
  // In the order of who uses whom: the pool and the writer finish before the database closes.
  const std::unique_ptr<RocksdbDatabase> database_;
  const RocksdbReader reader_;
  ChatEpochs epochs_;
  PageCachesOfLoops pages_;
  const std::shared_ptr<PendingKeys> pending_;
  Bell bell_;
  RocksdbWriter writer_;
  ReadPool reads_;
  ReadPool looks_of_writes_;  // no reader keeps a write from being looked up for
};

}  // namespace

Result<std::unique_ptr<MessageStore>> open_rocksdb_store(const std::filesystem::path& folder,
                                                         const StoreOptions& options, net::LoopPool& loops,
                                                         MetricsRegistry& metrics, rocksdb::Env* env) {
  StoreOptions engine = options;
  engine.memory -= page_memory(options) + options.memory / kRaisedShare;
  auto database = RocksdbDatabase::open(folder, engine, env != nullptr ? *env : *rocksdb::Env::Default());
  if (!database) return std::unexpected(std::move(database).error());
  log_opened(**database);
  return std::make_unique<RocksdbStore>(*std::move(database), options, loops, register_store_metrics(metrics));
}

}  // namespace parley::store
