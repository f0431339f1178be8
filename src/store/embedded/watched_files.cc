#include "store/embedded/watched_files.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace parley::store {
namespace {

namespace fs = std::filesystem;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

// Half a microsecond each, once a second.
constexpr std::size_t kMostAtOnce = 1024;

std::string name_in_folder(const std::string& path) { return fs::path(path).filename().string(); }

bool is_log(const std::string& file) { return file.ends_with(".log"); }

/// The others RocksDB can do without, or makes again.
bool holds_messages(const std::string& file) {
  return is_log(file) || file.ends_with(".sst") || file.starts_with("MANIFEST-") || file == "CURRENT";
}

}  // namespace

class WatchedFiles::Log final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  Log(const StoreFolder& folder, std::string name, std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)),
        folder_(folder),
        name_(std::move(name)),
        identity_(folder.identity_of(name_)) {}

  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    auto status = target()->Sync(options, debug);
    return status.ok() ? check() : status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    auto status = target()->Fsync(options, debug);
    return status.ok() ? check() : status;
  }

 private:
  /// What was synced would not be found again by a file's name that is gone.
  [[nodiscard]] IOStatus check() {
    if (!folder_.lost(name_, identity_, &size_)) return IOStatus::OK();
    return IOStatus::IOError(fmt::format("{} was removed, replaced or cut short", (folder_.name() / name_).string()));
  }

  const StoreFolder& folder_;
  const std::string name_;
  const FileIdentity identity_;
  std::atomic<off_t> size_ = 0;  // with the zeros that are ahead of what is written, so only Close() makes it less
};

void WatchedFiles::watch_all() {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_.path(), error)) {
    watch(entry.path().filename().string());
  }
}

std::string WatchedFiles::missing() {
  const std::scoped_lock lock(mutex_);
  auto file = files_.upper_bound(last_);
  for (std::size_t looks = std::min(files_.size(), kMostAtOnce); looks > 0; --looks) {
    if (file == files_.end()) file = files_.begin();
    if (folder_.lost(file->first, file->second)) return file->first;
    last_ = (file++)->first;
  }
  return {};
}

IOStatus WatchedFiles::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  const std::string file = name_in_folder(name);
  forget(file);
  auto status = target()->NewWritableFile(name, options, result, debug);
  if (!status.ok()) return status;
  if (is_log(file)) *result = std::make_unique<Log>(folder_, file, std::move(*result));
  watch(file);
  return status;
}

IOStatus WatchedFiles::DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) {
  forget(name_in_folder(name));
  return target()->DeleteFile(name, options, debug);
}

IOStatus WatchedFiles::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                  IODebugContext* debug) {
  forget(name_in_folder(from));
  forget(name_in_folder(to));
  auto status = target()->RenameFile(from, to, options, debug);
  watch(name_in_folder(status.ok() ? to : from));
  return status;
}

void WatchedFiles::watch(const std::string& file) {
  if (!holds_messages(file)) return;
  const FileIdentity identity = is_log(file) ? folder_.identity_of(file) : FileIdentity{};
  const std::scoped_lock lock(mutex_);
  files_[file] = identity;
}

void WatchedFiles::forget(const std::string& file) {
  const std::scoped_lock lock(mutex_);
  files_.erase(file);
}

}  // namespace parley::store
