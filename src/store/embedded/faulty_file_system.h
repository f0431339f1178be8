// Files that fail on demand, for tests of what a store does then.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/system_clock.h>

namespace parley::store {

/// How an operation fails.
enum class Fault {
  kIoError,
  kNoSpace,
  kShortWrite,  ///< half of it is written; of what is no write, kIoError
};

/// The operating system's files, whose writes, syncs and renames are counted, can be made to fail, and can be held. The
/// files named LOG, RocksDB's own log, do not take part. Any thread.
class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  FaultyFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultyFileSystem"; }

  /// From now on the n-th operation (from 1) fails; with `crash` every later one too, as when the disk is gone.
  void fail_at(std::uint64_t n, Fault fault, bool crash = false);
  /// Nothing fails any more.
  void heal();
  /// Operations since the last fail_at() or heal().
  [[nodiscard]] std::uint64_t operations() const;

  /// From now on syncs of the write-ahead log wait for release_syncs(). Returns at once.
  void hold_syncs();
  /// Returns when a sync is waiting.
  void await_held_sync();
  void release_syncs();

  /// The next `count` reads of table files wait for release_reads(). Returns at once.
  void hold_reads(std::size_t count);
  /// Returns when all of them are waiting.
  void await_held_reads();
  void release_reads();

  /// Takes from every file what was not synced, as a power loss may: its end is cut off, and what replaced other bytes
  /// is zero. The store must be closed.
  void lose_unsynced();

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  class File;
  class RandomAccessFile;
  class RandomRWFile;
  class Directory;
  struct Range {
    std::uint64_t offset;
    std::uint64_t size;
  };
  struct Extent {
    std::uint64_t synced = 0;  // bytes
    std::vector<Range> unsynced;
  };

  /// The fault that this operation meets, if any.
  [[nodiscard]] const Fault* next_operation();
  [[nodiscard]] static rocksdb::IOStatus failure(Fault fault);
  void wait_while_held();
  void wait_if_reads_are_held();
  /// A write of `data` through `write`, or of half of it, or none.
  [[nodiscard]] rocksdb::IOStatus write(const std::string& name, std::uint64_t offset, const rocksdb::Slice& data,
                                        const std::function<rocksdb::IOStatus(const rocksdb::Slice&)>& write);
  [[nodiscard]] rocksdb::IOStatus sync(const std::string& name);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t operations_ = 0;
  std::uint64_t fail_at_ = 0;
  bool crash_ = false;
  Fault fault_ = Fault::kIoError;
  bool hold_ = false;
  bool held_ = false;
  std::size_t reads_to_hold_ = 0;
  bool release_reads_ = false;
  std::map<std::string, Extent> files_;
};

/// An environment on such files, for open_rocksdb_store().
class FaultyEnv final : public rocksdb::EnvWrapper {
 public:
  FaultyEnv();
  [[nodiscard]] FaultyFileSystem& files() noexcept { return *faulty_; }

 private:
  std::shared_ptr<FaultyFileSystem> faulty_ = std::make_shared<FaultyFileSystem>();
};

}  // namespace parley::store
