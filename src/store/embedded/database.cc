#include "store/embedded/database.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <span>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <rocksdb/write_batch.h>

#include "base/log.h"
#include "base/random_id.h"
#include "store/embedded/keys.h"
#include "store/embedded/options.h"
#include "store/embedded/preallocated_log.h"
#include "store/embedded/store_facts.h"
#include "store/embedded/write_ahead_log.h"

namespace parley::store {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kBetweenLooks{1};

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
    if (is_numbered(entry.path(), ".log")) logs.push_back({entry.path(), check_write_ahead_log(entry.path())});
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

/// A start of an idle store leaves the log that it made, and RocksDB keeps them all until the next message is flushed.
void remove_empty_logs(const fs::path& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (is_numbered(entry.path(), ".log") && entry.file_size(error) == 0 && !error) fs::remove(entry.path(), error);
  }
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
      flush_log_in_signal_handler();
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

/// Another environment with other files.
class EnvWithFiles final : public rocksdb::EnvWrapper {
 public:
  EnvWithFiles(rocksdb::Env& env, std::shared_ptr<rocksdb::FileSystem> files) : EnvWrapper(&env) {
    file_system_ = std::move(files);
    system_clock_ = env.GetSystemClock();
  }
  // RocksDB goes by the file system, but for these.
  rocksdb::Status DeleteFile(const std::string& name) override { return file_system_->DeleteFile(name, {}, nullptr); }
  rocksdb::Status RenameFile(const std::string& from, const std::string& to) override {
    return file_system_->RenameFile(from, to, {}, nullptr);
  }
};

}  // namespace

Result<std::unique_ptr<RocksdbDatabase>> RocksdbDatabase::open(const fs::path& name, const StoreOptions& options,
                                                               rocksdb::Env& env) {
  auto folder = StoreFolder::hold(name);
  if (!folder) return std::unexpected(std::move(folder).error());
  const AbortIsFailedStart guard((*folder)->name());  // before the database, whose closing may abort as well
  std::unique_ptr<RocksdbDatabase> database(new RocksdbDatabase(*std::move(folder)));
  if (auto current = database->check_current(); !current) return std::unexpected(std::move(current).error());
  const fs::path& path = database->folder_->path();
  if (const auto status = check_lock(path, env); !status.ok()) return database->explain(status);
  if (auto ours = database->check_format(env); !ours) return std::unexpected(std::move(ours).error());
  remove_empty_logs(path);
  const auto recovery = database->choose_recovery(options.durability);
  if (!recovery) return std::unexpected(recovery.error());
  const auto status = database->open_files(options, *recovery, env);
  if (!status.ok()) return database->explain(status);
  if (auto loaded = database->load_meta(); !loaded) return std::unexpected(std::move(loaded).error());
  database->looks_ = std::jthread([self = database.get()](const std::stop_token& stop) { self->look_at_files(stop); });
  return database;
}

Result<void> RocksdbDatabase::check_current() const {
  std::error_code error;
  if (fs::exists(folder_->path() / "CURRENT", error)) return {};
  // RocksDB would make a new database and delete these as left over.
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_->path(), error)) {
    if (is_numbered(entry.path(), ".sst") || is_numbered(entry.path(), ".log")) {
      return refuse(
          fmt::format("the file {} looks like one of a store, but the store's file CURRENT is missing: "
                      "restore CURRENT, or choose a folder without such files",
                      entry.path().filename().string()));
    }
  }
  if (error) return refuse(error.message());
  return {};
}

Result<void> RocksdbDatabase::check_format(rocksdb::Env& env) const {
  std::error_code error;
  const fs::path& path = folder_->path();
  if (!fs::exists(path / "CURRENT", error)) return {};
  // Opening adds the column families that are missing: not to a store of another format. A later one has more.
  rocksdb::DBOptions options;
  options.env = &env;
  std::vector<std::string> families;
  if (const auto status = rocksdb::DB::ListColumnFamilies(options, path.string(), &families); !status.ok()) {
    return explain(status);
  }
  const std::array<std::string, 3> ours{rocksdb::kDefaultColumnFamilyName, kIdempotencyFamily, kRowsFamily};
  if (std::ranges::is_permutation(families, ours)) return {};
  const StoreFacts facts = look_at_store(path, env);
  if (!facts.unreadable.empty()) return refuse("it cannot be read: " + folder_->readable(facts.unreadable));
  if (!facts.made) return {};
  if (facts.format != std::to_string(kFormatVersion)) return refuse(why_not_ours(facts.format));
  const auto is_missing = [&](const std::string& name) { return std::ranges::find(families, name) == families.end(); };
  const auto missing = std::ranges::find_if(ours, is_missing);
  if (missing == ours.end()) return {};  // there are more, which RocksDB tells
  return refuse(
      fmt::format("it is damaged, since its column family {} is missing: restore it from a backup", *missing));
}

Result<rocksdb::WALRecoveryMode> RocksdbDatabase::choose_recovery(Durability durability) const {
  auto recovery = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  const std::vector<CheckedLog> logs = check_logs(folder_->path());
  for (std::size_t i = 0; i < logs.size(); ++i) {
    const WalCheck& check = logs[i].check;
    if (check.state == WalCheck::State::kSound) continue;
    const std::string log = logs[i].path.filename().string();
    const bool damaged = check.state == WalCheck::State::kDamaged || lacks_what_later_ones_follow(logs, i);
    // Without fsyncs a power loss may take any page of the log; that is what this durability does not promise.
    if (damaged && durability == Durability::kFsync) {
      return refuse(
          fmt::format("the log {} is corrupt at byte {} and has acknowledged messages after it: restore it "
                      "from a backup",
                      log, check.offset));
    }
    log_warn("the store's log ends in an unfinished write, as after a crash: this write is dropped",
             {{"file", log}, {"offset", std::to_string(check.offset)}});
    recovery = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  }
  return recovery;
}

rocksdb::Status RocksdbDatabase::open_files(const StoreOptions& options, rocksdb::WALRecoveryMode recovery,
                                            rocksdb::Env& env) {
  files_ = std::make_shared<WatchedFiles>(std::make_shared<PreallocatedLogs>(env.GetFileSystem()), *folder_);
  files_->watch_all();
  env_ = std::make_unique<EnvWithFiles>(env, files_);
  cache_ = rocksdb::NewLRUCache(options.memory);
  const auto failed = [this](const rocksdb::Status& status) {
    const std::string what = describe(status);
    if (health_->fail(what)) log_error("the store takes no more writes", {{"error", what}});
  };
  rocksdb::DBOptions db_options = database_options(options, cache_, failed, *env_);
  db_options.wal_recovery_mode = recovery;
  rocksdb::DB* db = nullptr;
  auto status = rocksdb::DB::Open(db_options, folder_->path().string(),
                                  column_families(options, cache_, busy_, left_places_), &families_, &db);
  db_.reset(db);
  return status;
}

Result<void> RocksdbDatabase::load_meta() {
  StoreFacts facts;
  if (const auto status = read_facts(*db_, facts); !status.ok()) return explain(status);
  if (!facts.unreadable.empty()) return refuse(facts.unreadable);
  if (!facts.made) return create_meta();
  if (facts.format != std::to_string(kFormatVersion)) return refuse(why_not_ours(facts.format));
  store_id_ = std::move(facts.id);
  last_time_ = facts.last_time;
  return {};
}

Result<void> RocksdbDatabase::create_meta() {
  store_id_ = random_id();
  is_new_ = true;
  rocksdb::WriteBatch batch;
  batch.Put(to_slice(kFormatKey), std::to_string(kFormatVersion));
  batch.Put(to_slice(kStoreIdKey), store_id_);
  rocksdb::WriteOptions sync;
  sync.sync = true;
  if (const auto status = db_->Write(sync, &batch); !status.ok()) return explain(status);
  return {};
}

std::string RocksdbDatabase::describe(const rocksdb::Status& status) const {
  return folder_->readable(status.ToString());
}

std::unexpected<Error> RocksdbDatabase::refuse(std::string_view why) const { return cannot_open(folder_->name(), why); }

std::unexpected<Error> RocksdbDatabase::explain(const rocksdb::Status& status) const {
  const std::string what = describe(status);
  const auto has = [&what](std::string_view part) { return what.find(part) != std::string::npos; };
  if (status.IsNoSpace() || has("No space left")) return refuse("the disk is full: " + what);
  if (has("/LOCK: Resource temporarily unavailable") || has("lock hold by current process")) {
    return refuse("another process has it open");
  }
  if (has("Column families not opened")) return refuse("a newer version of Parley made it: start that version");
  if (has("Permission denied") || has("Read-only file system")) return refuse("no permission: " + what);
  if (status.IsCorruption() || has("No such file")) {
    return refuse("a file is corrupt or missing, so restore it from a backup: " + what);
  }
  return refuse(what);
}

void RocksdbDatabase::look_at_files(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  while (!stopped.wait_for(lock, stop, kBetweenLooks, [&stop] { return stop.stop_requested(); })) {
    std::string why = folder_->lost();
    if (const std::string file = files_->missing(); why.empty() && !file.empty()) {
      why = fmt::format("the file {} was removed or replaced", (folder_->name() / file).string());
    }
    if (why.empty()) continue;
    if (health_->fail(why)) log_error("the store takes no more writes", {{"error", why}});
    return;
  }
}

RocksdbDatabase::~RocksdbDatabase() {
  looks_ = {};
  if (!db_) return;
  if (!health_->failed()) {
    if (const auto status = db_->Flush({}, families_); !status.ok()) {
      log_warn("the store could not be flushed, so its log will be replayed", {{"error", describe(status)}});
    }
  }
  for (rocksdb::ColumnFamilyHandle* family : families_) db_->DestroyColumnFamilyHandle(family);
  if (const auto status = db_->Close(); !status.ok()) {
    log_warn("the store was not closed cleanly", {{"error", describe(status)}});
  }
}

}  // namespace parley::store
