// The RocksDB database of a store: opened, checked, and closed again.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include "base/error.h"
#include "store/embedded/busy_chats.h"
#include "store/embedded/store_folder.h"
#include "store/embedded/watched_files.h"
#include "store/embedded/write_health.h"
#include "store/store_options.h"

namespace parley::store {

/// Any thread. Closes cleanly when destroyed: everything is flushed then, so that the next opening has no log to
/// replay. Iterators must be gone by then.
///
/// It holds its folder (store_folder.h) and looks once a second whether the folder and its files are still there. If
/// somebody moved or removed them, health() fails for good.
class RocksdbDatabase {
 public:
  /// Opens the database in the folder `name`, or makes it. Takes as long for ten chats as for ten million. In one
  /// line: kUnavailable if the folder cannot be used, another process has it, a file is corrupt, or the format is not
  /// ours.
  [[nodiscard]] static Result<std::unique_ptr<RocksdbDatabase>> open(const std::filesystem::path& name,
                                                                     const StoreOptions& options, rocksdb::Env& env);
  ~RocksdbDatabase();
  RocksdbDatabase(const RocksdbDatabase&) = delete;
  RocksdbDatabase& operator=(const RocksdbDatabase&) = delete;

  [[nodiscard]] rocksdb::DB& db() const noexcept { return *db_; }
  [[nodiscard]] rocksdb::ColumnFamilyHandle& records() const noexcept { return *families_[0]; }
  [[nodiscard]] rocksdb::ColumnFamilyHandle& idempotency() const noexcept { return *families_[1]; }
  [[nodiscard]] rocksdb::ColumnFamilyHandle& rows() const noexcept { return *families_[2]; }

  [[nodiscard]] const StoreFolder& folder() const noexcept { return *folder_; }
  /// What is wrong, with the names that people know.
  [[nodiscard]] std::string describe(const rocksdb::Status& status) const;

  /// Fails by itself when a flush or compaction does, or the folder is lost.
  [[nodiscard]] WriteHealth& health() const noexcept { return *health_; }
  [[nodiscard]] const std::string& store_id() const noexcept { return store_id_; }
  /// The greatest time that was ever given, as of the opening; 0 in a new store.
  [[nodiscard]] std::int64_t last_time() const noexcept { return last_time_; }
  /// Whether this opening made the store.
  [[nodiscard]] bool is_new() const noexcept { return is_new_; }
  /// For whoever writes.
  [[nodiscard]] BusyChats& busy() const noexcept { return *busy_; }
  /// How many compactions have dropped places in an index's order: see LeftPlacesFilter.
  [[nodiscard]] std::uint64_t left_places() const noexcept { return left_places_.load(std::memory_order_acquire); }
  /// Bytes in caches and write buffers, which are counted as one.
  [[nodiscard]] std::size_t memory_usage() const { return cache_->GetUsage(); }

 private:
  explicit RocksdbDatabase(std::unique_ptr<StoreFolder> folder) : folder_(std::move(folder)) {}
  [[nodiscard]] Result<void> check_current() const;
  [[nodiscard]] Result<void> check_format(rocksdb::Env& env) const;
  [[nodiscard]] Result<rocksdb::WALRecoveryMode> choose_recovery(Durability durability) const;
  [[nodiscard]] rocksdb::Status open_files(const StoreOptions& options, rocksdb::WALRecoveryMode recovery,
                                           rocksdb::Env& env);
  [[nodiscard]] Result<void> load_meta();
  [[nodiscard]] Result<void> create_meta();
  [[nodiscard]] std::unexpected<Error> refuse(std::string_view why) const;
  [[nodiscard]] std::unexpected<Error> explain(const rocksdb::Status& status) const;
  void look_at_files(const std::stop_token& stop);

  const std::unique_ptr<StoreFolder> folder_;  // let go last
  std::shared_ptr<WatchedFiles> files_;
  std::unique_ptr<rocksdb::Env> env_;
  std::shared_ptr<WriteHealth> health_ = std::make_shared<WriteHealth>();
  std::shared_ptr<rocksdb::Cache> cache_;
  const std::shared_ptr<BusyChats> busy_ = std::make_shared<BusyChats>();
  std::atomic<std::uint64_t> left_places_{0};
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;  // owned by us, closed before db_
  std::string store_id_;
  std::int64_t last_time_ = 0;
  bool is_new_ = false;
  std::jthread looks_;
};

}  // namespace parley::store
