#include "store/embedded/faulty_file_system.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

namespace parley::store {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

bool is_info_log(const std::string& name) { return std::filesystem::path(name).filename().string().starts_with("LOG"); }

/// By a name that leads to the same file when the store is closed: the store opens files below /proc/self/fd.
std::string lasting_name(const std::string& name) {
  const std::filesystem::path path(name);
  std::error_code error;
  const auto folder = std::filesystem::canonical(path.parent_path(), error);
  return error ? name : (folder / path.filename()).string();
}

/// RocksDB sleeps a second after each failed flush; tests of many need not.
class SleeplessClock final : public rocksdb::SystemClockWrapper {
 public:
  SleeplessClock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  const char* Name() const override { return "SleeplessClock"; }
  void SleepForMicroseconds(int) override {}
};

}  // namespace

FaultyEnv::FaultyEnv() : EnvWrapper(rocksdb::Env::Default()) {
  file_system_ = faulty_;
  system_clock_ = std::make_shared<SleeplessClock>();
}

class FaultyFileSystem::File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(FaultyFileSystem& system, std::string name, std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)), system_(system), name_(std::move(name)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    const auto append = [&](const Slice& part) { return target()->Append(part, options, debug); };
    auto status = system_.write(name_, size_, data, append);
    size_ += data.size();
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    auto status = system_.sync(name_);
    return status.ok() ? target()->Flush(options, debug) : status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return Sync(options, debug); }

 private:
  FaultyFileSystem& system_;
  std::string name_;
  std::uint64_t size_ = 0;
};

class FaultyFileSystem::RandomAccessFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  RandomAccessFile(FaultyFileSystem& system, std::unique_ptr<rocksdb::FSRandomAccessFile> file)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), system_(system) {}

  IOStatus Read(std::uint64_t offset, std::size_t size, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* debug) const override {
    system_.wait_if_reads_are_held();
    return target()->Read(offset, size, options, result, scratch, debug);
  }

 private:
  FaultyFileSystem& system_;
};

class FaultyFileSystem::RandomRWFile final : public rocksdb::FSRandomRWFileOwnerWrapper {
 public:
  RandomRWFile(FaultyFileSystem& system, std::string name, std::unique_ptr<rocksdb::FSRandomRWFile> file)
      : FSRandomRWFileOwnerWrapper(std::move(file)), system_(system), name_(std::move(name)) {}

  IOStatus Write(std::uint64_t offset, const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    const auto write = [&](const Slice& part) { return target()->Write(offset, part, options, debug); };
    return system_.write(name_, offset, data, write);
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return system_.sync(name_); }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return system_.sync(name_); }

 private:
  FaultyFileSystem& system_;
  std::string name_;
};

class FaultyFileSystem::Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(FaultyFileSystem& system, std::unique_ptr<rocksdb::FSDirectory> directory)
      : FSDirectoryWrapper(std::move(directory)), system_(system) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    const Fault* const fault = system_.next_operation();
    return fault == nullptr ? IOStatus::OK() : failure(*fault);
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  FaultyFileSystem& system_;
};

void FaultyFileSystem::fail_at(std::uint64_t n, Fault fault, bool crash) {
  const std::scoped_lock lock(mutex_);
  operations_ = 0;
  fail_at_ = n;
  fault_ = fault;
  crash_ = crash;
}

void FaultyFileSystem::heal() { fail_at(0, Fault::kIoError); }

std::uint64_t FaultyFileSystem::operations() const {
  const std::scoped_lock lock(mutex_);
  return operations_;
}

void FaultyFileSystem::hold_syncs() {
  const std::scoped_lock lock(mutex_);
  hold_ = true;
}

void FaultyFileSystem::await_held_sync() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return held_; });
}

void FaultyFileSystem::release_syncs() {
  {
    const std::scoped_lock lock(mutex_);
    hold_ = false;
  }
  changed_.notify_all();
}

void FaultyFileSystem::wait_while_held() {
  std::unique_lock lock(mutex_);
  held_ = hold_;
  changed_.notify_all();
  changed_.wait(lock, [this] { return !hold_; });
  held_ = false;
}

void FaultyFileSystem::hold_reads(std::size_t count) {
  const std::scoped_lock lock(mutex_);
  reads_to_hold_ = count;
  release_reads_ = false;
}

void FaultyFileSystem::await_held_reads() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return reads_to_hold_ == 0; });
}

void FaultyFileSystem::release_reads() {
  {
    const std::scoped_lock lock(mutex_);
    reads_to_hold_ = 0;
    release_reads_ = true;
  }
  changed_.notify_all();
}

void FaultyFileSystem::wait_if_reads_are_held() {
  std::unique_lock lock(mutex_);
  if (reads_to_hold_ == 0) return;
  --reads_to_hold_;
  changed_.notify_all();
  changed_.wait(lock, [this] { return release_reads_; });
}

void FaultyFileSystem::lose_unsynced() {
  const std::scoped_lock lock(mutex_);
  for (const auto& [name, extent] : files_) {
    if (!std::filesystem::exists(name)) continue;
    if (std::filesystem::file_size(name) > extent.synced) std::filesystem::resize_file(name, extent.synced);
    std::fstream file(name, std::ios::in | std::ios::out | std::ios::binary);
    for (const Range& range : extent.unsynced) {
      if (range.offset >= extent.synced) continue;
      file.seekp(static_cast<std::streamoff>(range.offset));
      file << std::string(std::min(range.size, extent.synced - range.offset), '\0');
    }
  }
  files_.clear();
}

IOStatus FaultyFileSystem::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                           std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  auto status = target()->NewWritableFile(name, options, result, debug);
  if (!status.ok() || is_info_log(name)) return status;
  const std::string lasting = lasting_name(name);
  {
    const std::scoped_lock lock(mutex_);
    files_[lasting] = {};
  }
  *result = std::make_unique<File>(*this, lasting, std::move(*result));
  return status;
}

IOStatus FaultyFileSystem::NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions& options,
                                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                               IODebugContext* debug) {
  auto status = target()->NewRandomAccessFile(name, options, result, debug);
  if (status.ok()) *result = std::make_unique<RandomAccessFile>(*this, std::move(*result));
  return status;
}

IOStatus FaultyFileSystem::NewRandomRWFile(const std::string& name, const rocksdb::FileOptions& options,
                                           std::unique_ptr<rocksdb::FSRandomRWFile>* result, IODebugContext* debug) {
  auto status = target()->NewRandomRWFile(name, options, result, debug);
  if (status.ok()) *result = std::make_unique<RandomRWFile>(*this, lasting_name(name), std::move(*result));
  return status;
}

IOStatus FaultyFileSystem::NewDirectory(const std::string& name, const IOOptions& options,
                                        std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext* debug) {
  auto status = target()->NewDirectory(name, options, result, debug);
  if (status.ok()) *result = std::make_unique<Directory>(*this, std::move(*result));
  return status;
}

IOStatus FaultyFileSystem::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                      IODebugContext* debug) {
  if (is_info_log(from)) return target()->RenameFile(from, to, options, debug);
  if (const Fault* const fault = next_operation()) return failure(*fault);
  auto status = target()->RenameFile(from, to, options, debug);
  if (!status.ok()) return status;
  const std::scoped_lock lock(mutex_);
  if (auto moved = files_.extract(lasting_name(from))) {
    files_.erase(lasting_name(to));
    moved.key() = lasting_name(to);
    files_.insert(std::move(moved));
  }
  return status;
}

const Fault* FaultyFileSystem::next_operation() {
  const std::scoped_lock lock(mutex_);
  ++operations_;
  const bool fails = fail_at_ != 0 && (crash_ ? operations_ >= fail_at_ : operations_ == fail_at_);
  return fails ? &fault_ : nullptr;
}

IOStatus FaultyFileSystem::failure(Fault fault) {
  return fault == Fault::kNoSpace ? IOStatus::NoSpace("injected: No space left on device")
                                  : IOStatus::IOError("injected: Input/output error");
}

IOStatus FaultyFileSystem::write(const std::string& name, std::uint64_t offset, const Slice& data,
                                 const std::function<IOStatus(const Slice&)>& write) {
  const Fault* const fault = next_operation();
  if (fault != nullptr && *fault != Fault::kShortWrite) return failure(*fault);
  const Slice part(data.data(), fault == nullptr ? data.size() : data.size() / 2);
  {
    const std::scoped_lock lock(mutex_);
    files_[name].unsynced.push_back({offset, part.size()});
  }
  auto status = write(part);
  return status.ok() && fault != nullptr ? failure(*fault) : status;
}

/// No test cuts the power, and a real sync would take its time.
IOStatus FaultyFileSystem::sync(const std::string& name) {
  if (name.ends_with(".log")) wait_while_held();
  if (const Fault* const fault = next_operation()) return failure(*fault);
  const std::scoped_lock lock(mutex_);
  Extent& extent = files_[name];
  for (const Range& range : extent.unsynced) extent.synced = std::max(extent.synced, range.offset + range.size);
  extent.unsynced.clear();
  return IOStatus::OK();
}

}  // namespace parley::store
