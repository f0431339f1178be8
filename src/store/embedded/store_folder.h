// The folder of an embedded store, held by one process.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/error.h"

namespace parley::store {

/// Which file or folder a name leads to.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

/// A folder that this process alone holds, until this is destroyed. The lock is on the folder itself and not on a file
/// in it, so it holds whatever is done to the names: the folder may be renamed, or reached by another path, and the
/// files in it may be removed or replaced. Any thread.
class StoreFolder {
 public:
  /// Makes the folder if it is not there, for its owner alone. kUnavailable, in one line, when it cannot be used or
  /// another process holds it. Where the file system cannot lock a folder, it logs a warning and locks nothing.
  [[nodiscard]] static Result<std::unique_ptr<StoreFolder>> hold(const std::filesystem::path& folder);
  ~StoreFolder();
  StoreFolder(const StoreFolder&) = delete;
  StoreFolder& operator=(const StoreFolder&) = delete;

  /// The absolute path, as it was configured; for people.
  [[nodiscard]] const std::filesystem::path& name() const noexcept { return name_; }
  /// The path for opening files: it leads to the folder that is held, whatever name() leads to by now.
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// `text` with name() in the place of path().
  [[nodiscard]] std::string readable(std::string text) const;

  /// Why name() no longer leads to the folder that is held; empty while it does.
  [[nodiscard]] std::string lost() const;
  /// Which file the name of one in it leads to; 0 and 0 if there is none.
  [[nodiscard]] FileIdentity identity_of(const std::string& file) const;
  /// Whether there is no such file in it any more, or another one. 0 and 0: any file will do. With `size`, also whether
  /// it is shorter than that, which is then the size that it has.
  [[nodiscard]] bool lost(const std::string& file, const FileIdentity& was, std::atomic<off_t>* size = nullptr) const;

 private:
  explicit StoreFolder(std::filesystem::path name) : name_(std::move(name)) {}
  [[nodiscard]] Result<void> open();
  [[nodiscard]] Result<void> lock();

  std::filesystem::path name_;
  std::filesystem::path path_;
  FileIdentity identity_;
  int descriptor_ = -1;
};

/// An absolute path for people, without "." and without a slash at its end.
[[nodiscard]] std::filesystem::path absolute_path(const std::filesystem::path& folder);

/// The line that says why a store cannot be opened, as an error.
[[nodiscard]] std::unexpected<Error> cannot_open(const std::filesystem::path& folder, std::string_view why);

/// Whether `file` has a name as RocksDB gives it: a number of six digits or more, and `extension`, such as ".log".
[[nodiscard]] bool is_numbered(const std::filesystem::path& file, std::string_view extension);

/// The process that has a store in `folder` open; 0: none that can be seen. It goes by the lock on the folder, or by
/// that on the file LOCK in it. It disturbs neither that process nor one that starts. Not for a process that has the
/// store open itself, whose lock it would release.
[[nodiscard]] pid_t process_that_holds(const std::filesystem::path& folder);

}  // namespace parley::store
