#include "store/rocksdb_database.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include "base/log.h"
#include "store/rocksdb_keys.h"
#include "store/store_id.h"

namespace parley::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKeysFamily = "keys";
constexpr const char* kFormatFile = "FORMAT";

/// The part of a message key that its chat's other messages share, for the bloom filters.
class ChatPrefix final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "parley.chat"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override { return prefix_of(key.ToStringView()); }
  bool InDomain(const rocksdb::Slice& key) const override { return !prefix_of(key.ToStringView()).empty(); }
};

/// Drops idempotency keys whose window is over, while RocksDB rewrites the files that they are in.
class ExpiryFilter final : public rocksdb::CompactionFilter {
 public:
  explicit ExpiryFilter(std::int64_t oldest_kept) : oldest_kept_(oldest_kept) {}
  const char* Name() const override { return "parley.expiry"; }
  bool Filter(int, const rocksdb::Slice&, const rocksdb::Slice& value, std::string*, bool*) const override {
    const auto record = decode_key_record(value.ToStringView());
    return record && record->send_time < oldest_kept_;
  }

 private:
  std::int64_t oldest_kept_;
};

class ExpiryFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  explicit ExpiryFilterFactory(const StoreOptions& options)
      : clock_(options.clock), window_(options.idempotency_window) {}
  const char* Name() const override { return "parley.expiry"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<ExpiryFilter>(clock_() - window_.count());
  }

 private:
  WallClock clock_;
  std::chrono::microseconds window_;
};

/// A flush or compaction that fails leaves the database behind its log: no more writes then, either.
class FailureListener final : public rocksdb::EventListener {
 public:
  explicit FailureListener(std::shared_ptr<WriteFailure> failure) : failure_(std::move(failure)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    failure_->set(status->ToString());
  }
  /// Nor a second try when a full disk has room again: RocksDB would write on to a log that it knows to be torn.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  std::shared_ptr<WriteFailure> failure_;
};

rocksdb::BlockBasedTableOptions table_options(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;  // they count against the bound, too
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  return table;
}

rocksdb::ColumnFamilyOptions family_options(const StoreOptions& options, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options(cache)));
  family.write_buffer_size = std::clamp<std::size_t>(options.memory / 8, std::size_t{1} << 20, std::size_t{32} << 20);
  family.max_write_buffer_number = 3;
  family.level_compaction_dynamic_level_bytes = true;
  family.compression = rocksdb::kLZ4Compression;
  return family;
}

rocksdb::DBOptions database_options(const StoreOptions& options, RocksdbDatabase& database, rocksdb::Env* env) {
  rocksdb::DBOptions db;
  db.env = env;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(options.memory / 4, database.cache);
  db.max_total_wal_size = std::uint64_t{64} << 20;  // what a start after a crash may have to replay
  db.max_background_jobs = 2;
  db.max_open_files = 1024;
  db.skip_stats_update_on_db_open = true;
  db.skip_checking_sst_file_sizes_on_db_open = true;
  db.avoid_unnecessary_blocking_io = true;
  // An unfinished record at the end of the log was never acknowledged. Damage anywhere else means that something
  // acknowledged is gone: that must not pass in silence, as it would with the default (point in time).
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.max_bgerror_resume_count = 0;  // after a failed write the page cache cannot be trusted: no second try
  db.listeners.push_back(std::make_shared<FailureListener>(database.failure));
  db.info_log_level = rocksdb::WARN_LEVEL;
  db.keep_log_file_num = 4;
  db.max_log_file_size = std::size_t{4} << 20;
  return db;
}

/// Makes the file whole or not at all, so that a failure here does not look like damage at the next start.
Result<void> write_format(const fs::path& folder) {
  const fs::path unfinished = folder / "FORMAT.new";
  const std::string text = std::to_string(kFormatVersion) + "\n";
  const int file = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  bool written =
      file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  int error = errno;
  if (file >= 0) ::close(file);
  if (written && ::rename(unfinished.c_str(), (folder / kFormatFile).c_str()) != 0) {
    written = false;
    error = errno;
  }
  if (written) return {};
  return fail(ErrorCode::kUnavailable, fmt::format("cannot write in {}: {}", folder.string(), std::strerror(error)));
}

Result<void> check_format(const fs::path& folder) {
  std::ifstream file(folder / kFormatFile);
  int version = 0;
  if (!file) {
    if (!fs::exists(folder / "CURRENT")) return write_format(folder);
    return fail(ErrorCode::kUnavailable, fmt::format("{} is a RocksDB folder, but not Parley's", folder.string()));
  }
  if (!(file >> version) || version < 1) {
    return fail(ErrorCode::kUnavailable, fmt::format("{} is damaged", (folder / kFormatFile).string()));
  }
  if (version > kFormatVersion) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("{} has format {}, this version knows up to {}: start it with a newer version of parley",
                            folder.string(), version, kFormatVersion));
  }
  return {};
}

std::string g_abort_line;  // what the handler below writes; set before it is installed

/// Debian's RocksDB has its assertions on, and some of them stand where the disk fails: while this lives, an abort is a
/// failed start like any other, and the assertion's own line says why. One opening at a time.
class AbortIsFailedStart {
 public:
  explicit AbortIsFailedStart(const fs::path& folder) {
    g_abort_line = fmt::format("parley: cannot open {}: RocksDB gave up on an error of the disk\n", folder.string());
    before_ = std::signal(SIGABRT, [](int) {
      static_cast<void>(!::write(STDERR_FILENO, g_abort_line.data(), g_abort_line.size()));
      ::_exit(1);
    });
  }
  ~AbortIsFailedStart() { std::signal(SIGABRT, before_); }
  AbortIsFailedStart(const AbortIsFailedStart&) = delete;
  AbortIsFailedStart& operator=(const AbortIsFailedStart&) = delete;

 private:
  void (*before_)(int) = nullptr;
};

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

Error open_error(const fs::path& folder, const rocksdb::Status& status) {
  const std::string text = one_line(status.ToString());
  if (text.find("LOCK") != std::string::npos) {
    return {ErrorCode::kUnavailable, fmt::format("{} is in use by another process ({})", folder.string(), text)};
  }
  if (status.IsCorruption()) {
    return {ErrorCode::kUnavailable,
            fmt::format("{} is damaged: restore it from a backup ({})", folder.string(), text)};
  }
  return {ErrorCode::kUnavailable, fmt::format("cannot open {}: {}", folder.string(), text)};
}

/// Reads the id and the last time, and makes the id of a new store.
rocksdb::Status load_meta(RocksdbDatabase& database) {
  std::string value;
  rocksdb::Status status = database.db->Get({}, database.messages.get(), kLastTimeKey, &value);
  if (status.ok()) {
    const auto time = decode_time(value);
    if (!time) return rocksdb::Status::Corruption("the last time is unreadable");
    database.last_time = *time;
  } else if (!status.IsNotFound()) {
    return status;
  }
  status = database.db->Get({}, database.messages.get(), kStoreIdKey, &database.id);
  if (!status.IsNotFound()) return status;
  database.id = make_store_id();
  rocksdb::WriteOptions sync;
  sync.sync = true;
  return database.db->Put(sync, database.messages.get(), kStoreIdKey, database.id);
}

}  // namespace

void WriteFailure::set(std::string why) {
  const std::scoped_lock lock(mutex_);
  if (failed_.load(std::memory_order_relaxed)) return;
  why_ = one_line(std::move(why));
  failed_.store(true, std::memory_order_release);
  log_error("the store takes no more writes", {{"why", why_}});
}

std::optional<std::string> WriteFailure::get() const {
  if (!is_set()) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  return why_;
}

RocksdbDatabase::~RocksdbDatabase() {
  if (!db) return;
  if (!failure->is_set()) db->Flush({}, {messages.get(), keys.get()}).PermitUncheckedError();
  messages.reset();
  keys.reset();
  db->Close().PermitUncheckedError();
}

Result<RocksdbDatabase> RocksdbDatabase::open(const fs::path& folder, const StoreOptions& options, rocksdb::Env* env) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot make the folder {}: {}", folder.string(), error.message()));
  }
  if (auto format = check_format(folder); !format) return std::unexpected(std::move(format).error());

  const AbortIsFailedStart guard(folder);  // before the database, whose closing may abort as well
  RocksdbDatabase database;
  database.failure = std::make_shared<WriteFailure>();
  database.cache = rocksdb::NewLRUCache(options.memory);
  rocksdb::ColumnFamilyOptions messages = family_options(options, database.cache);
  messages.prefix_extractor = std::make_shared<ChatPrefix>();
  messages.memtable_prefix_bloom_size_ratio = 0.02;
  rocksdb::ColumnFamilyOptions keys = family_options(options, database.cache);
  keys.compaction_filter_factory = std::make_shared<ExpiryFilterFactory>(options);
  // So that the filter sees even a key whose neighbours never change.
  const auto window = std::chrono::duration_cast<std::chrono::seconds>(options.idempotency_window).count();
  keys.periodic_compaction_seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(window, 3600));

  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  rocksdb::Status status =
      rocksdb::DB::Open(database_options(options, database, env), folder.string(),
                        {{rocksdb::kDefaultColumnFamilyName, messages}, {kKeysFamily, keys}}, &handles, &db);
  if (!status.ok()) return std::unexpected(open_error(folder, status));
  database.db.reset(db);
  database.messages.reset(handles[0]);
  database.keys.reset(handles[1]);
  status = load_meta(database);
  if (!status.ok()) return std::unexpected(open_error(folder, status));
  return database;
}

}  // namespace parley::store
