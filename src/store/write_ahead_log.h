// Tells a write-ahead log that a crash cut short from one that was damaged.
//
// RocksDB cannot: of its recovery modes, kTolerateCorruptedTailRecords refuses what a power loss may leave (some pages
// of the last batch, but not all) and skips a zeroed page without a word, and kPointInTimeRecovery drops everything
// after the first damage. We know more: with an fsync a batch, only the last batch of a log can be incomplete. So
// whatever is broken with no batch beginning after it was never acknowledged, and anything else was.
//
// Zeros up to its end are what was allocated ahead (preallocated_log.h), and no damage.
//
// The format is that of https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format, without recycling.
#pragma once

#include <cstdint>
#include <filesystem>

namespace parley::store {

struct WalCheck {
  enum class State {
    kSound,
    kTornTail,  ///< the last batch is incomplete
    kDamaged,   ///< batches follow the broken place
  };
  State state = State::kSound;
  std::uint64_t offset = 0;  ///< of the first broken byte, unless sound
};

/// Reads all of `log`. A file that cannot be read counts as sound: RocksDB says better what is wrong with it.
[[nodiscard]] WalCheck check_write_ahead_log(const std::filesystem::path& log);

}  // namespace parley::store
