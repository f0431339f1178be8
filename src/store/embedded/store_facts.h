// What a store says of itself, read without opening it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/status.h>

#include "base/finding.h"

namespace parley::store {

struct StoreFacts {
  bool made = false;           ///< a store of ours is there
  std::string format;          ///< its version, in decimal
  std::string id;              ///< empty: this program does not know the format
  std::int64_t last_time = 0;  ///< of its last record; 0: there is none, or this program does not know the format
  std::string unreadable;      ///< why none of this is known, although files of a store are there; empty: it is
};

/// What an open database says of itself. An error: it cannot be read, and neither do the facts say why.
[[nodiscard]] rocksdb::Status read_facts(rocksdb::DB& db, StoreFacts& facts);

/// Changes nothing in the folder. A process that has the store open goes on; what it writes meanwhile may be seen or
/// not, and may make the store unreadable for this once. Blocks.
[[nodiscard]] StoreFacts look_at_store(const std::filesystem::path& folder,
                                       rocksdb::Env& env = *rocksdb::Env::Default());

[[nodiscard]] Finding judge_store(const std::filesystem::path& folder, const StoreFacts& facts);

/// What is wrong with a store of another format.
[[nodiscard]] std::string why_not_ours(const std::string& format);

/// To the second, as 2026-01-31T12:00:00Z; "none" for 0.
[[nodiscard]] std::string readable_time(std::int64_t microseconds);

}  // namespace parley::store
