// Write-ahead logs whose blocks are there before they are needed.
//
// An fsync of a file that has grown writes its inode, too; an fsync of bytes that replace others writes just those, and
// takes half the time and half the processor (ext4, virtio). So a log is filled with zeros some way ahead of what is
// appended to it. Closing cuts them off; after a crash they are at its end, where RocksDB skips them and
// write_ahead_log.h takes them for no damage.
#pragma once

#include <memory>
#include <string>

#include <rocksdb/file_system.h>

namespace parley::store {

/// The files of another file system, with such logs among them.
class PreallocatedLogs final : public rocksdb::FileSystemWrapper {
 public:
  explicit PreallocatedLogs(const std::shared_ptr<rocksdb::FileSystem>& files) : FileSystemWrapper(files) {}
  const char* Name() const override { return "parley.preallocated_logs"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
};

}  // namespace parley::store
