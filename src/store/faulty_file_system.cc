#include "store/faulty_file_system.h"

#include <filesystem>
#include <utility>

namespace parley::store {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

bool is_info_log(const std::string& name) { return std::filesystem::path(name).filename().string().starts_with("LOG"); }

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
    const Fault* const fault = system_.next_operation();
    if (fault == nullptr) {
      system_.wrote(name_, data.size());
      return target()->Append(data, options, debug);
    }
    if (*fault == Fault::kShortWrite) {
      const Slice half(data.data(), data.size() / 2);
      system_.wrote(name_, half.size());
      if (auto status = target()->Append(half, options, debug); !status.ok()) return status;
    }
    return failure(*fault);
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    if (name_.ends_with(".log")) system_.wait_while_held();
    if (const Fault* const fault = system_.next_operation()) return failure(*fault);
    system_.synced(name_);
    return target()->Flush(options, debug);  // no test cuts the power, and a real sync would take its time
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return Sync(options, debug); }

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

void FaultyFileSystem::lose_unsynced() {
  const std::scoped_lock lock(mutex_);
  for (const auto& [name, extent] : files_) {
    if (std::filesystem::exists(name)) std::filesystem::resize_file(name, extent.synced);
  }
  files_.clear();
}

IOStatus FaultyFileSystem::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                           std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  auto status = target()->NewWritableFile(name, options, result, debug);
  if (!status.ok() || is_info_log(name)) return status;
  {
    const std::scoped_lock lock(mutex_);
    files_[name] = {};
  }
  *result = std::make_unique<File>(*this, name, std::move(*result));
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
  if (auto moved = files_.extract(from)) {
    files_.erase(to);
    moved.key() = to;
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

void FaultyFileSystem::wrote(const std::string& name, std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  files_[name].written += bytes;
}

void FaultyFileSystem::synced(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  files_[name].synced = files_[name].written;
}

}  // namespace parley::store
