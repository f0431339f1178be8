// The disk that an embedded store writes to.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "base/finding.h"

namespace parley::store {

/// What a folder and its disk are like.
struct DiskFacts {
  std::filesystem::path folder;    ///< as configured
  std::filesystem::path existing;  ///< the folder, or the nearest thing above it that exists
  bool no_folder = false;          ///< that thing is none
  bool writable = false;
  bool only_as_root = false;    ///< we are root, and the folder is another user's: our rights say nothing of theirs
  std::string unusable{};       ///< something in it that we cannot read and write; empty: nothing
  bool open_to_others = false;  ///< other users may read or write the folder
  bool in_memory = false;       ///< a file system that no disk is under
  bool over_network = false;
  std::uint64_t free_bytes = 0;
  std::uint64_t free_files = 0;
  std::chrono::microseconds sync_p50{0};  ///< of an fdatasync of 4 KiB behind an append; 0: not measured
  std::chrono::microseconds sync_p99{0};
};

/// Looks at the store's folder. Makes a small file where it is, syncs it for up to a second, and removes it. Blocks.
[[nodiscard]] DiskFacts look_at_disk(const std::filesystem::path& folder);

/// `durable`: an acknowledgement says that a message is on disk. `patience` is for a send to be answered.
[[nodiscard]] Findings judge_disk(const DiskFacts& facts, bool durable, std::chrono::milliseconds patience);

}  // namespace parley::store
