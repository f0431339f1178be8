#include "store/rocksdb_database.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <span>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <rocksdb/write_batch.h>

#include "base/log.h"
#include "store/preallocated_log.h"
#include "store/rocksdb_keys.h"
#include "store/rocksdb_options.h"
#include "store/store_id.h"
#include "store/write_ahead_log.h"

namespace parley::store {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> cannot_open(const fs::path& folder, std::string_view why) {
  std::string line = fmt::format("cannot open the store in {}: {}", folder.string(), why);
  std::ranges::replace(line, '\n', ' ');
  return fail(ErrorCode::kUnavailable, std::move(line));
}

/// What can be said better than RocksDB says it, before it touches anything.
Result<void> check_folder(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (fs::exists(status) && !fs::is_directory(status)) return cannot_open(folder, "it is not a directory");
  // What people write to each other is not for the machine's other users to read.
  if (fs::create_directories(folder, error)) fs::permissions(folder, fs::perms::owner_all, error);
  if (error) return cannot_open(folder, error.message());
  if (eaccess(folder.c_str(), R_OK | W_OK | X_OK) != 0) return cannot_open(folder, "no permission to write there");
  if (fs::exists(folder / "CURRENT", error)) return {};
  // RocksDB would make a new database and delete these as left over.
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".sst" || entry.path().extension() == ".log") {
      return cannot_open(folder, fmt::format("the file CURRENT is missing although there is data ({}); restore it",
                                             entry.path().filename().string()));
    }
  }
  if (error) return cannot_open(folder, error.message());
  return {};
}

/// Whether nobody has the folder open, so that its logs do not grow while they are looked at.
rocksdb::Status check_lock(const fs::path& folder, rocksdb::Env& env) {
  rocksdb::FileLock* lock = nullptr;
  rocksdb::Status status = env.LockFile((folder / "LOCK").string(), &lock);
  return status.ok() ? env.UnlockFile(lock) : status;
}

struct CheckedLog {
  fs::path path;
  WalCheck check;
};

/// The logs in the order in which they were written; their names are their numbers, of six digits or more.
std::vector<CheckedLog> check_logs(const fs::path& folder) {
  std::vector<CheckedLog> logs;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".log") logs.push_back({entry.path(), check_write_ahead_log(entry.path())});
  }
  std::ranges::sort(logs, {}, [](const CheckedLog& log) {
    const std::string name = log.path.stem().string();
    return std::pair(name.size(), name);
  });
  return logs;
}

/// Whether batches follow the one that `logs[at]` lacks: a newer log of the same opening of the store holds some.
bool lacks_what_later_ones_follow(std::span<const CheckedLog> logs, std::size_t at) {
  const auto later =
      std::ranges::find_if(logs.subspan(at + 1), [](const CheckedLog& log) { return log.check.first.has_value(); });
  return later != logs.end() && later->check.first != logs[at].check.next;
}

/// How the logs may be replayed, or a refusal if that would drop what was acknowledged.
Result<rocksdb::WALRecoveryMode> choose_recovery(const fs::path& folder, Durability durability) {
  auto recovery = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  const std::vector<CheckedLog> logs = check_logs(folder);
  for (std::size_t i = 0; i < logs.size(); ++i) {
    const WalCheck& check = logs[i].check;
    if (check.state == WalCheck::State::kSound) continue;
    const std::string log = logs[i].path.filename().string();
    const bool damaged = check.state == WalCheck::State::kDamaged || lacks_what_later_ones_follow(logs, i);
    // Without fsyncs a power loss may take any page of the log; that is what this durability does not promise.
    if (damaged && durability == Durability::kFsync) {
      return cannot_open(folder, fmt::format("the log {} is corrupt at byte {} and has acknowledged messages after it; "
                                             "restore it from a backup",
                                             log, check.offset));
    }
    log_warn("the store's log ends in a write that is not whole, as a crash leaves it; it is dropped",
             {{"file", log}, {"offset", std::to_string(check.offset)}});
    recovery = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  }
  return recovery;
}

std::string g_abort_line;  // what the handler below writes; set before it is installed

/// Debian's RocksDB has its assertions on, and some of them stand where the disk fails: while this lives, an abort is a
/// failed start like any other, and the assertion's own line says why. One opening at a time.
class AbortIsFailedStart {
 public:
  explicit AbortIsFailedStart(const fs::path& folder) {
    g_abort_line =
        fmt::format("parley: cannot open the store in {}: RocksDB gave up on an error of the disk\n", folder.string());
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

std::unexpected<Error> explain(const fs::path& folder, const rocksdb::Status& status) {
  const std::string what = status.ToString();
  const auto has = [&what](std::string_view part) { return what.find(part) != std::string::npos; };
  if (status.IsNoSpace() || has("No space left")) return cannot_open(folder, "the disk is full: " + what);
  if (has("/LOCK: Resource temporarily unavailable") || has("lock hold by current process")) {
    return cannot_open(folder, "another process has it open");
  }
  if (has("Column families not opened")) {
    return cannot_open(folder, "a newer version of Parley made it: start that version");
  }
  if (has("Permission denied") || has("Read-only file system")) return cannot_open(folder, "no permission: " + what);
  if (status.IsCorruption() || has("No such file")) {
    return cannot_open(folder, "a file is corrupt or missing; restore it from a backup: " + what);
  }
  return cannot_open(folder, what);
}

/// Another environment with its logs allocated ahead.
class PreallocatingEnv final : public rocksdb::EnvWrapper {
 public:
  explicit PreallocatingEnv(rocksdb::Env& env) : EnvWrapper(&env) {
    file_system_ = std::make_shared<PreallocatedLogs>(env.GetFileSystem());
    system_clock_ = env.GetSystemClock();
  }
};

}  // namespace

Result<std::unique_ptr<RocksdbDatabase>> RocksdbDatabase::open(const fs::path& folder, const StoreOptions& options,
                                                               rocksdb::Env& env) {
  if (auto usable = check_folder(folder); !usable) return std::unexpected(std::move(usable).error());
  const AbortIsFailedStart guard(folder);  // before the database, whose closing may abort as well
  std::unique_ptr<RocksdbDatabase> database(new RocksdbDatabase);
  if (const auto status = check_lock(folder, env); !status.ok()) return explain(folder, status);
  const auto recovery = choose_recovery(folder, options.durability);
  if (!recovery) return std::unexpected(recovery.error());
  const auto status = database->open_files(folder, options, *recovery, env);
  if (!status.ok()) return explain(folder, status);
  if (auto loaded = database->load_meta(folder); !loaded) return std::unexpected(std::move(loaded).error());
  return database;
}

rocksdb::Status RocksdbDatabase::open_files(const fs::path& folder, const StoreOptions& options,
                                            rocksdb::WALRecoveryMode recovery, rocksdb::Env& env) {
  env_ = std::make_unique<PreallocatingEnv>(env);
  cache_ = rocksdb::NewLRUCache(options.memory);
  rocksdb::DBOptions db_options = database_options(options, cache_, health_, *env_);
  db_options.wal_recovery_mode = recovery;
  rocksdb::DB* db = nullptr;
  auto status = rocksdb::DB::Open(db_options, folder.string(), column_families(options, cache_), &families_, &db);
  db_.reset(db);
  return status;
}

Result<void> RocksdbDatabase::load_meta(const fs::path& folder) {
  std::string format;
  auto status = db_->Get({}, to_slice(kFormatKey), &format);
  if (status.IsNotFound()) {
    // New, or its making was cut short; anything else in there is not ours.
    const std::unique_ptr<rocksdb::Iterator> any(db_->NewIterator({}));
    any->SeekToFirst();
    if (any->Valid()) return cannot_open(folder, "it holds a RocksDB database that Parley did not make");
    if (!any->status().ok()) return explain(folder, any->status());
    return create_meta();
  }
  if (!status.ok()) return explain(folder, status);
  std::uint64_t version = 0;
  std::from_chars(format.data(), format.data() + format.size(), version);
  if (version != kFormatVersion) {
    return cannot_open(folder, fmt::format("its format is version {}, this program reads version {}: start the newer "
                                           "version of Parley that made it",
                                           format, kFormatVersion));
  }
  if (status = db_->Get({}, to_slice(kStoreIdKey), &store_id_); !status.ok()) return explain(folder, status);
  std::string last;
  status = db_->Get({}, to_slice(kLastTimeKey), &last);
  if (status.IsNotFound()) return {};
  if (!status.ok()) return explain(folder, status);
  const auto time = decode_time(last);
  if (!time) return cannot_open(folder, "the record of the last time is corrupt; restore it from a backup");
  last_time_ = *time;
  return {};
}

Result<void> RocksdbDatabase::create_meta() {
  store_id_ = make_store_id();
  rocksdb::WriteBatch batch;
  batch.Put(to_slice(kFormatKey), std::to_string(kFormatVersion));
  batch.Put(to_slice(kStoreIdKey), store_id_);
  rocksdb::WriteOptions sync;
  sync.sync = true;
  if (const auto status = db_->Write(sync, &batch); !status.ok()) return explain(db_->GetName(), status);
  return {};
}

RocksdbDatabase::~RocksdbDatabase() {
  if (!db_) return;
  if (!health_->failed()) {
    if (const auto status = db_->Flush({}, families_); !status.ok()) {
      log_warn("the store could not be flushed; its log will be replayed", {{"error", status.ToString()}});
    }
  }
  for (rocksdb::ColumnFamilyHandle* family : families_) db_->DestroyColumnFamilyHandle(family);
  if (const auto status = db_->Close(); !status.ok()) {
    log_warn("the store was not closed cleanly", {{"error", status.ToString()}});
  }
}

}  // namespace parley::store
