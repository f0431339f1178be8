// Notices when somebody else removes or replaces files of the store that is open.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <rocksdb/file_system.h>

#include "store/embedded/store_folder.h"

namespace parley::store {

/// The files of another file system. It remembers which of them hold messages: logs, tables, and what names the tables
/// (MANIFEST and CURRENT). A sync of a log that is no longer there, or was cut short, fails, so no send is acknowledged
/// by it. Any thread.
class WatchedFiles final : public rocksdb::FileSystemWrapper {
 public:
  /// `folder` must outlive it.
  WatchedFiles(const std::shared_ptr<rocksdb::FileSystem>& files, const StoreFolder& folder)
      : FileSystemWrapper(files), folder_(folder) {}
  const char* Name() const override { return "parley.watched_files"; }

  /// Begins to watch what is in the folder already. Once, before the database is opened.
  void watch_all();

  /// The name of a file that somebody else removed or replaced; empty: all are there. Looks at up to 1,024 files, and
  /// goes on with the others at the next call.
  [[nodiscard]] std::string missing();

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  class Log;

  void watch(const std::string& file);
  void forget(const std::string& file);

  const StoreFolder& folder_;
  std::mutex mutex_;
  // Guarded by mutex_; by their names in the folder. Of a log, which is open all the time, also which file it is: some
  // file systems give the others a new inode number now and then.
  std::map<std::string, FileIdentity> files_;
  std::string last_;  // guarded by mutex_; where missing() ended
};

}  // namespace parley::store
