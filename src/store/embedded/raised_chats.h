// The chats whose index rows were raised lately.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/name_hash.h"
#include "store/idempotency_record.h"
#include "store/message_store.h"

namespace parley::store {

/// When rows are raised again, after this many microseconds: a little before they must be. So nobody who reads the
/// clock sooner or later than the writer is in doubt.
inline constexpr std::int64_t kRaiseAfter = kIndexGrain - kIndexGrain / 20;

/// Remembers for chats that all index rows of an audience are at least at some time, so that a busy chat costs one look
/// here and no look at its rows. Within a bound: what was remembered longest ago is forgotten. Any thread.
class RaisedChats {
 public:
  explicit RaisedChats(std::size_t max_bytes) : max_bytes_(max_bytes / kShards / 2) {}

  /// Nothing if it is not known, or was another audience.
  [[nodiscard]] std::optional<std::int64_t> least(std::string_view chat, const RecordHash& audience);

  /// These rows are in the store, or in a batch that is written before anything else is. Of two times the greater
  /// counts.
  void remember(std::string_view chat, const RecordHash& audience, std::int64_t least);

 private:
  struct Raised {
    RecordHash audience{};
    std::int64_t least = 0;
  };
  using Chats = boost::unordered_flat_map<std::string, Raised, NameHash, std::equal_to<>>;
  static constexpr std::size_t kShards = 16;
  struct Shard {
    std::mutex mutex;
    // Guarded by mutex. Once the first is full it becomes the second, which is forgotten.
    Chats now;
    Chats before;
    std::size_t bytes = 0;  // of `now`
  };

  /// Of an entry.
  [[nodiscard]] static std::size_t bytes_of(std::string_view chat) noexcept;
  [[nodiscard]] Shard& shard_of(std::string_view chat) noexcept {
    return shards_[NameHash{}(chat) / 7 % kShards];  // the map goes by the lowest bits itself
  }

  const std::size_t max_bytes_;  // of half a shard
  std::array<Shard, kShards> shards_;
};

/// Which audience it is beyond those whom the chat itself tells; all zero if there is none.
[[nodiscard]] RecordHash hash_audience(std::span<const std::string> audience);

}  // namespace parley::store
