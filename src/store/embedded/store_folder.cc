#include "store/embedded/store_folder.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/log.h"

namespace parley::store {
namespace {

namespace fs = std::filesystem;

FileIdentity identity(const struct stat& status) { return {status.st_dev, status.st_ino}; }

/// Whether a failed stat(2) says that nothing is there. Any other error says nothing of the file.
bool is_gone(int error) { return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ESTALE; }

/// The process that has a lock of flock(2) on `folder`; 0: none that can be seen. One cannot ask for such a lock
/// without taking it, but Linux lists them.
pid_t process_that_locked(const fs::path& folder) {
  struct stat found{};
  if (::stat(folder.c_str(), &found) != 0) return 0;
  const std::string wanted = fmt::format("{:02x}:{:02x}:{}", major(found.st_dev), minor(found.st_dev), found.st_ino);
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    // A lock that is waited for has "->" in its second place, and so no row of this form.
    std::istringstream row(line);
    std::string number;
    std::string kind;
    std::string advisory;
    std::string access;
    std::string file;
    pid_t process = 0;
    if (!(row >> number >> kind >> advisory >> access >> process >> file)) continue;
    if (kind == "FLOCK" && file == wanted && process > 0) return process;
  }
  return 0;
}

}  // namespace

fs::path absolute_path(const fs::path& folder) {
  std::error_code error;
  fs::path out;
  for (const fs::path& part : fs::absolute(folder, error)) {
    // Not "..": behind a symbolic link it means something else.
    if (part != "." && !part.empty()) out /= part;
  }
  return out.empty() ? folder : out;
}

std::unexpected<Error> cannot_open(const fs::path& folder, std::string_view why) {
  std::string line = fmt::format("cannot open the store in {}: {}", folder.string(), why);
  std::ranges::replace(line, '\n', ' ');
  return fail(ErrorCode::kUnavailable, std::move(line));
}

Result<std::unique_ptr<StoreFolder>> StoreFolder::hold(const fs::path& folder) {
  std::unique_ptr<StoreFolder> held(new StoreFolder(absolute_path(folder)));
  if (auto opened = held->open(); !opened) return std::unexpected(std::move(opened).error());
  if (auto locked = held->lock(); !locked) return std::unexpected(std::move(locked).error());
  // Between the two it may have been moved.
  if (const std::string why = held->lost(); !why.empty()) return cannot_open(held->name_, why);
  return {std::move(held)};
}

StoreFolder::~StoreFolder() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> StoreFolder::open() {
  std::error_code error;
  const fs::file_status status = fs::status(name_, error);
  if (fs::exists(status) && !fs::is_directory(status)) return cannot_open(name_, "it is not a directory");
  if (std::error_code none; !fs::exists(status) && fs::is_symlink(fs::symlink_status(name_, none))) {
    return cannot_open(name_, "it is a symbolic link to a folder that is not there");
  }
  // What people write to each other is not for the machine's other users to read.
  if (fs::create_directories(name_, error)) fs::permissions(name_, fs::perms::owner_all, error);
  if (error) return cannot_open(name_, error.message());
  if (eaccess(name_.c_str(), R_OK | W_OK | X_OK) != 0) return cannot_open(name_, "no permission to write there");
  descriptor_ = ::open(name_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct stat held{};
  if (descriptor_ < 0 || ::fstat(descriptor_, &held) != 0) return cannot_open(name_, std::strerror(errno));
  identity_ = identity(held);
  path_ = fmt::format("/proc/self/fd/{}", descriptor_);
  // Without /proc its name must do: then the looks at lost() alone protect another folder that gets the name.
  struct stat found{};
  if (::stat(path_.c_str(), &found) != 0 || identity(found) != identity_) path_ = name_;
  return {};
}

Result<void> StoreFolder::lock() {
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK) return cannot_open(name_, "another process has it open");
  log_warn("the file system cannot lock the store's folder: never start a second server on it",
           {{"folder", name_.string()}, {"error", std::strerror(errno)}});
  return {};
}

std::string StoreFolder::readable(std::string text) const {
  const std::string& from = path_.native();
  const std::string& to = name_.native();
  for (std::size_t at = 0; from != to && (at = text.find(from + '/', at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string StoreFolder::lost() const {
  struct stat found{};
  if (::stat(name_.c_str(), &found) == 0) {
    if (identity(found) == identity_) return {};
    return fmt::format("another folder stands at {}; the store's own was moved or deleted", name_.string());
  }
  if (!is_gone(errno)) return {};
  return fmt::format("the folder {} was moved or deleted", name_.string());
}

FileIdentity StoreFolder::identity_of(const std::string& file) const {
  struct stat found{};
  return ::fstatat(descriptor_, file.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 ? identity(found) : FileIdentity{};
}

bool StoreFolder::lost(const std::string& file, const FileIdentity& was, std::atomic<off_t>* size) const {
  const off_t least = size == nullptr ? 0 : size->load();  // before the look, since the file may grow meanwhile
  // Not fstatat: after somebody asked for a file's times, Linux gives its next write a time of its own (multigrain
  // timestamps, 6.13), so that each fsync would write the inode too.
  struct statx found{};
  if (::statx(descriptor_, file.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_SIZE, &found) != 0) {
    return is_gone(errno);
  }
  const auto length = static_cast<off_t>(found.stx_size);
  if (size != nullptr) size->store(length);
  const FileIdentity is{.device = makedev(found.stx_dev_major, found.stx_dev_minor), .inode = found.stx_ino};
  return length < least || (was != FileIdentity{} && was != is);
}

bool is_numbered(const fs::path& file, std::string_view extension) {
  const std::string number = file.stem().string();
  return file.extension() == extension && number.size() >= 6 &&
         number.find_first_not_of("0123456789") == std::string::npos;
}

pid_t process_that_holds(const fs::path& folder) {
  if (const pid_t process = process_that_locked(folder); process != 0) return process;
  const int file = ::open((folder / "LOCK").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  struct flock whole{};
  whole.l_type = F_WRLCK;
  const bool held = ::fcntl(file, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
  ::close(file);
  return held ? whole.l_pid : 0;
}

}  // namespace parley::store
