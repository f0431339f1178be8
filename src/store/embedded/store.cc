#include "store/embedded/store.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/chrono.h>
#include <prometheus/metric_family.h>
#include <rocksdb/db.h>

#include "base/log.h"
#include "store/chat_epochs.h"
#include "store/embedded/append_request.h"
#include "store/embedded/completion.h"
#include "store/embedded/database.h"
#include "store/embedded/pending_keys.h"
#include "store/embedded/read_pool.h"
#include "store/embedded/reader.h"
#include "store/embedded/writer.h"
#include "store/page_cache.h"
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
  if (database.is_new()) return log_info("made a new store", {{"folder", folder}});
  const std::int64_t last = database.last_time();
  using Time = std::chrono::sys_time<std::chrono::microseconds>;
  const std::string time =
      last == 0 ? "none"
                : fmt::format("{:%Y-%m-%dT%H:%M:%S}Z",
                              std::chrono::floor<std::chrono::seconds>(Time(std::chrono::microseconds(last))));
  log_info("opened the store", {{"folder", folder}, {"last_message", time}});
}

class RocksdbStore final : public MessageStore {
 public:
  RocksdbStore(std::unique_ptr<RocksdbDatabase> database, const StoreOptions& options, net::LoopPool& loops,
               std::shared_ptr<StoreMetrics> metrics)
      : options_(options),
        loops_(loops),
        metrics_(std::move(metrics)),
        database_(std::move(database)),
        reader_(*database_, *metrics_),
        pages_(make_page_caches(options, loops.size())),
        pending_(options.max_queue),
        writer_(*database_, options, loops, epochs_, *metrics_),
        read_pool_(kReadThreads, kMaxReads, metrics_->read_depth) {
    metrics_->set_engine([this] { return engine_metrics(*database_, pages_); });
  }
  ~RocksdbStore() override { metrics_->clear_engine(); }

  Task<Appended> append(Draft draft, Deadline deadline) override {
    if (!draft.idempotency_key.empty()) return append_once(std::move(draft), deadline);
    return write(std::move(draft), deadline, std::nullopt, {});
  }

  Task<Page> read(ChatId chat, PageRange range, Deadline deadline) override {
    if (passed(deadline)) co_return too_late("before the call began");
    PageCache& pages = pages_[net::Loop::current().index()];
    const ChatEpochs::Epoch epoch = epochs_.of(chat.name());
    if (const Page* const known = pages.find(chat, range, epoch)) co_return *known;
    auto page = reader_.page(chat, range, ReadFrom::kMemory);
    if (!page) {
      page = co_await from_disk<Page>([this, chat, range] { return *reader_.page(chat, range, ReadFrom::kDisk); },
                                      deadline);
    }
    if (*page) pages.put(chat, range, **page, epoch);
    co_return *std::move(page);
  }

  Health health() const override {
    const WriteHealth& writes = database_->health();
    return writes.failed() ? Health::only_reads("the store takes no writes: " + writes.reason()) : Health{};
  }

  std::string id() const override { return database_->store_id(); }

 private:
  using Found = std::optional<IdempotencyRecord>;

  /// Any thread.
  [[nodiscard]] bool passed(Deadline deadline) const noexcept { return deadline <= loops_.now(); }

  /// Returns once it is durable. With an idempotency key, its claim and the hash of the text belong to it.
  Task<Appended> write(Draft draft, Deadline deadline, std::optional<KeyClaim> claim, TextHash hash) {
    if (passed(deadline)) co_return too_late("before the call began");
    if (database_->health().failed()) co_return std::unexpected(WriteHealth::refusal());
    const auto request = std::make_shared<AppendRequest>(std::move(draft), deadline, std::move(claim), hash);
    if (!writer_.enqueue(request)) co_return fail(ErrorCode::kOverloaded, "too many sends wait for the disk");
    co_await request->until(deadline);
    auto time = request->outcome();
    if (time && *time) co_return Appended{.send_time = **time};
    if (time) co_return std::unexpected(std::move(*time).error());
    if (!request->take()) {
      co_return too_late("while the message was being written", ErrorCode::kOutcomeUnknown);
    }
    request->claim.reset();  // so that a repeat may try for itself
    co_return too_late(kBeforeTheWrite);
  }

  /// An append with an idempotency key.
  Task<Appended> append_once(Draft draft, Deadline deadline) {
    if (passed(deadline)) co_return too_late("before the call began");
    const TextHash hash = hash_text(draft.text);
    for (;;) {
      auto claimed = pending_.claim(idempotency_key_of(draft));
      if (!claimed) co_return fail(ErrorCode::kOverloaded, "too many repeated sends wait for the first");
      if (auto* claim = std::get_if<KeyClaim>(&*claimed)) {
        auto appended = co_await append_first(std::move(draft), deadline, std::move(*claim), hash);
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
        if (unknown->text_hash != hash) co_return std::unexpected(WriteHealth::refusal());
        co_return fail(ErrorCode::kOutcomeUnknown, "the write of an earlier send with this key failed");
      }
      if (passed(deadline)) co_return too_late("before the call began");
    }
  }

  /// The append that holds its key's claim: stores unless it was stored before this one came.
  Task<Appended> append_first(Draft draft, Deadline deadline, KeyClaim claim, TextHash hash) {
    auto found = co_await look_up(claim.key(), deadline);
    if (!found) co_return std::unexpected(std::move(found).error());
    if (const auto& stored = *found;
        stored && !idempotency_expired(stored->send_time, options_.idempotency_window, options_.clock())) {
      claim.settle(*stored);
      co_return repeated(*stored, hash);
    }
    auto appended = co_await write(std::move(draft), deadline, std::move(claim), hash);
    co_return appended;
  }

  Task<Found> look_up(const std::string& key, Deadline deadline) {
    if (auto found = reader_.key(key, ReadFrom::kMemory)) co_return *std::move(found);
    auto found = co_await from_disk<Found>([this, key] { return *reader_.key(key, ReadFrom::kDisk); }, deadline);
    co_return found;
  }

  [[nodiscard]] Result<Appended> repeated(const IdempotencyRecord& stored, const TextHash& hash) {
    if (stored.text_hash != hash) {
      return fail(ErrorCode::kIdempotencyConflict, "the idempotency key was used with another text");
    }
    metrics_->duplicates.add();
    return Appended{.send_time = stored.send_time, .duplicate = true};
  }

  /// Runs `read` where it may block.
  template <class T>
  Task<T> from_disk(std::function<Result<T>()> read, Deadline deadline) {
    auto completion = std::make_shared<Completion<Result<T>>>();
    const bool taken = read_pool_.submit([this, completion, read = std::move(read), deadline] {
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
  PendingKeys pending_;
  RocksdbWriter writer_;
  ReadPool read_pool_;
};

}  // namespace

Result<std::unique_ptr<MessageStore>> open_rocksdb_store(const std::filesystem::path& folder,
                                                         const StoreOptions& options, net::LoopPool& loops,
                                                         MetricsRegistry& metrics, rocksdb::Env* env) {
  StoreOptions engine = options;
  engine.memory -= page_memory(options);
  auto database = RocksdbDatabase::open(folder, engine, env != nullptr ? *env : *rocksdb::Env::Default());
  if (!database) return std::unexpected(std::move(database).error());
  log_opened(**database);
  return std::make_unique<RocksdbStore>(*std::move(database), options, loops, register_store_metrics(metrics));
}

}  // namespace parley::store
