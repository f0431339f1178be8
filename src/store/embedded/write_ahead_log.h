// Tells a write-ahead log that a crash cut short from one that was damaged.
//
// RocksDB cannot: of its recovery modes, kTolerateCorruptedTailRecords refuses what a power loss may leave (some pages
// of the last batch, but not all) and skips a zeroed page without a word, and kPointInTimeRecovery drops everything
// after the first damage. We know more: with an fsync a batch, only the last batch of all can be incomplete. So
// whatever is broken with no batch beginning after it, in this log or a newer one, need not have been acknowledged, and
// anything else was. (A store that was opened after such a crash goes on at the sequence number of the batch that was
// cut, so a newer log that begins there does not count.)
//
// Zeros up to its end are what was allocated ahead (preallocated_log.h), and no damage.
//
// The format is that of https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format, without recycling; a
// batch begins with its sequence number (8 bytes) and its count (4), little-endian.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace parley::store {

struct WalCheck {
  enum class State {
    kSound,
    kTornTail,  ///< the last batch is incomplete
    kDamaged,   ///< batches follow the broken place
  };
  State state = State::kSound;
  std::uint64_t offset = 0;            ///< of the first broken byte, unless sound
  std::optional<std::uint64_t> first;  ///< sequence number of the first batch, if there is a whole one
  std::optional<std::uint64_t> next;   ///< sequence number that follows the batches before `offset`
};

/// Reads all of `log`. A file that cannot be read counts as sound: RocksDB says better what is wrong with it.
[[nodiscard]] WalCheck check_write_ahead_log(const std::filesystem::path& log);

}  // namespace parley::store
