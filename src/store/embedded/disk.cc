#include "store/embedded/disk.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include "base/units.h"
#include "store/embedded/store_folder.h"

namespace parley::store {
namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;
using std::chrono::steady_clock;

constexpr std::uint64_t kLeastFree = std::uint64_t{1} << 30;
constexpr std::uint64_t kLeastFiles = 10'000;
constexpr std::size_t kSyncs = 300;
constexpr std::chrono::seconds kSyncTime{1};
constexpr long kNfs = 0x6969;
constexpr long kCifs = static_cast<long>(0xff534d42U);
constexpr long kSmb2 = static_cast<long>(0xfe534d42U);
constexpr long kFuse = 0x65735546;

fs::path nearest_existing(const fs::path& folder) {
  std::error_code error;
  fs::path path = fs::absolute(folder, error).lexically_normal();
  while (!fs::exists(path, error) && path.has_relative_path()) path = path.parent_path();
  return path;
}

/// How long each sync took, sorted.
std::vector<microseconds> time_syncs(const fs::path& folder) {
  std::string name = (folder / "parley-doctor-XXXXXX").string();
  const int file = ::mkstemp(name.data());
  if (file < 0) return {};
  ::unlink(name.c_str());
  const std::array<char, 4096> page{};
  std::vector<microseconds> out;
  const auto until = steady_clock::now() + kSyncTime;
  while (out.size() < kSyncs && (out.size() < 3 || steady_clock::now() < until)) {
    const auto begin = steady_clock::now();
    if (::write(file, page.data(), page.size()) < 0 || ::fdatasync(file) != 0) break;
    out.push_back(std::chrono::ceil<microseconds>(steady_clock::now() - begin));
  }
  ::close(file);
  std::ranges::sort(out);
  return out;
}

/// Whether a file of the store has such a name. Other files, such as lost+found, do not matter.
bool is_of_store(const std::string& name) {
  constexpr std::array kNames{"CURRENT", "IDENTITY", "LOCK", "LOG", "MANIFEST-", "OPTIONS-"};
  return is_numbered(name, ".sst") || is_numbered(name, ".log") ||
         std::ranges::any_of(kNames, [&name](const char* known) { return name.starts_with(known); });
}

/// A file of the store that we cannot read and write, such as one that another user made. Empty if there is none.
std::string find_unusable(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (!is_of_store(entry->path().filename().string())) continue;
    if (::eaccess(entry->path().c_str(), R_OK | W_OK) != 0) return entry->path().string();
  }
  return {};
}

Finding judge_folder(const DiskFacts& facts) {
  const std::string subject = "folder " + facts.folder.string();
  if (facts.no_folder) {
    return {subject, facts.existing.string() + " is not a folder", "the server does not start",
            "move that file away, or choose another folder in --store"};
  }
  if (!facts.writable) {
    return {subject, fmt::format("this user cannot write to {}", facts.existing.string()), "the server does not start",
            "make the server's user the owner of the folder: chown"};
  }
  if (facts.only_as_root) {
    return {subject, "it belongs to another user, and doctor runs as root",
            "nobody knows whether the server's user can write to it",
            "run doctor as that user (sudo -u parley parley doctor ...), or chown the folder"};
  }
  if (!facts.unusable.empty()) {
    return {subject, "this user cannot read and write " + facts.unusable, "the server does not start",
            "make the server's user the owner of the folder and its files: chown -R"};
  }
  if (facts.open_to_others) {
    return {subject, "other users of this machine can read or write it", "they can read the messages, or damage them",
            "run chmod 700 " + facts.folder.string()};
  }
  return {subject, facts.folder == facts.existing || fs::exists(facts.folder) ? "only its owner can read it"
                                                                              : "the server can make it"};
}

Finding judge_room(const DiskFacts& facts, const std::string& subject) {
  const std::string found = fmt::format("{} are free, and room for {} more files",
                                        format_size(facts.free_bytes >> 20U << 20U), facts.free_files);
  if (facts.free_bytes >= kLeastFree && facts.free_files >= kLeastFiles) return {subject, found};
  return {subject, found, "when the disk is full, all sends are refused until a restart",
          "delete other files there, or use a larger disk"};
}

Finding judge_kind(const DiskFacts& facts, bool durable, const std::string& subject) {
  if (facts.in_memory && durable) {
    return {subject, "it is in memory", "a restart of the machine loses all messages",
            "choose a folder on a disk in --store"};
  }
  if (facts.over_network && durable) {
    return {subject, "it is a network file system, or one that a program provides",
            "an acknowledged message may not be on a disk, since such systems often ignore fsync",
            "choose a folder on a disk of this machine in --store"};
  }
  return {subject, facts.in_memory ? "it is in memory" : "it belongs to this machine"};
}

Finding judge_sync(const DiskFacts& facts, bool durable, std::chrono::milliseconds patience,
                   const std::string& subject) {
  if (facts.sync_p99.count() == 0) {
    return {subject, "writing a small file to the disk failed", "no send is acknowledged",
            "look for errors of the disk in the system's log: dmesg"};
  }
  const std::string found =
      fmt::format("an fsync takes {:.2f} ms, and one in a hundred {:.2f} ms",
                  static_cast<double>(facts.sync_p50.count()) / 1e3, static_cast<double>(facts.sync_p99.count()) / 1e3);
  // A send may wait for the sync before its own, and for its own.
  if (durable && 2 * facts.sync_p99 > patience / 4) {
    return {
        subject, found,
        "some sends time out: each waits for up to two fsyncs, and --request-timeout is " + format_duration(patience),
        "use a faster disk, or one with a cache that survives a power failure"};
  }
  return {subject, found};
}

}  // namespace

DiskFacts look_at_disk(const fs::path& folder) {
  DiskFacts facts{.folder = folder, .existing = nearest_existing(folder)};
  const char* const path = facts.existing.c_str();
  struct stat status{};
  facts.no_folder = ::stat(path, &status) == 0 && !S_ISDIR(status.st_mode);
  facts.writable = !facts.no_folder && ::eaccess(path, R_OK | W_OK | X_OK) == 0;
  if (!facts.no_folder && ::stat(folder.c_str(), &status) == 0) {
    facts.open_to_others = (status.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0;
    facts.only_as_root = ::geteuid() == 0 && status.st_uid != 0;
    facts.unusable = find_unusable(folder);
  }
  struct statvfs room{};
  if (::statvfs(path, &room) == 0) {
    facts.free_bytes = std::uint64_t{room.f_bavail} * room.f_frsize;
    facts.free_files = room.f_files == 0 ? kLeastFiles : room.f_favail;  // some file systems do not count
  }
  struct statfs kind{};
  if (::statfs(path, &kind) == 0) {
    facts.in_memory = kind.f_type == TMPFS_MAGIC || kind.f_type == RAMFS_MAGIC;
    facts.over_network = kind.f_type == kNfs || kind.f_type == kCifs || kind.f_type == kSmb2 || kind.f_type == kFuse;
  }
  if (!facts.writable) return facts;
  if (const auto times = time_syncs(facts.existing); !times.empty()) {
    facts.sync_p50 = times[times.size() / 2];
    facts.sync_p99 = times[times.size() * 99 / 100];
  }
  return facts;
}

Findings judge_disk(const DiskFacts& facts, bool durable, std::chrono::milliseconds patience) {
  Findings out{judge_folder(facts)};
  if (facts.no_folder || !facts.writable) return out;
  const std::string subject = "disk of " + facts.folder.string();
  out.push_back(judge_room(facts, subject));
  out.push_back(judge_kind(facts, durable, subject));
  out.push_back(judge_sync(facts, durable, patience, subject));
  return out;
}

}  // namespace parley::store
