#include "store/embedded/preallocated_log.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace parley::store {
namespace {

using rocksdb::FSRandomRWFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// Filling this much takes about as long as two fsyncs, and lasts for some fifty.
constexpr std::size_t kAhead = std::size_t{256} << 10;
constexpr std::array<char, kAhead> kZeros{};

/// Appends by writing in place. One thread at a time, but for the syncs.
class PreallocatedLog final : public rocksdb::FSWritableFile {
 public:
  PreallocatedLog(rocksdb::FileSystem& files, std::string name, std::unique_ptr<FSRandomRWFile> file)
      : files_(files), name_(std::move(name)), file_(std::move(file)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    while (size_ + data.size() > allocated_) {
      if (auto status = file_->Write(allocated_, {kZeros.data(), kZeros.size()}, options, debug); !status.ok()) {
        return status;
      }
      allocated_ += kZeros.size();
    }
    auto status = file_->Write(size_, data, options, debug);
    if (status.ok()) size_ += data.size();
    return status;
  }
  using FSWritableFile::Append;

  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    auto status = file_->Close(options, debug);
    return status.ok() ? files_.Truncate(name_, size_, options, debug) : status;
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions&, IODebugContext*) override {
    size_ = size;  // Close() does it
    return IOStatus::OK();
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override { return file_->Flush(options, debug); }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override { return file_->Sync(options, debug); }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return file_->Fsync(options, debug); }
  bool IsSyncThreadSafe() const override { return true; }
  std::uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return size_; }
  void PrepareWrite(std::size_t, std::size_t, const IOOptions&, IODebugContext*) override {}  // Append() does it

 private:
  rocksdb::FileSystem& files_;
  std::string name_;
  std::unique_ptr<FSRandomRWFile> file_;
  std::uint64_t size_ = 0;
  std::uint64_t allocated_ = 0;
};

}  // namespace

IOStatus PreallocatedLogs::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                           std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  auto status = target()->NewWritableFile(name, options, result, debug);
  if (!status.ok() || !name.ends_with(".log")) return status;
  if (status = (*result)->Close(options.io_options, debug); !status.ok()) return status;
  std::unique_ptr<FSRandomRWFile> file;
  if (status = target()->NewRandomRWFile(name, options, &file, debug); !status.ok()) return status;
  *result = std::make_unique<PreallocatedLog>(*target(), name, std::move(file));
  return status;
}

}  // namespace parley::store
