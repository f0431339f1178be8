// The chats whose index rows were raised lately.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/name_hash.h"
#include "store/idempotency_record.h"
#include "store/message_store.h"

namespace parley::store {

/// When rows are raised again, after this many microseconds: a little before they must be, since a batch may last.
inline constexpr std::int64_t kRaiseAfter = kIndexGrain - kIndexGrain / 20;

/// Of a store's memory, one part in so many is for this.
inline constexpr std::size_t kRaisedShare = 32;

/// Remembers the times of chats' index rows, so that a busy chat costs one look here and no write. Within a bound: what
/// was remembered longest ago is forgotten. One thread's.
class RaisedChats {
 public:
  struct Raised {
    RecordHash audience{};  ///< beyond those whom the chat tells by itself: hash_audience()
    std::int64_t time = 0;  ///< of the rows of all of them
  };

  explicit RaisedChats(std::size_t max_bytes) : max_bytes_(max_bytes / 2) {
    for (Chats* half : {&now_, &before_}) half->reserve(max_bytes_ / bytes_of({}));
  }

  /// What the chat's rows are: time 0 if that is not known. Whoever raises them says so here. That must be in a batch
  /// that is written before anything else is. Good until the next call.
  [[nodiscard]] Raised& of(const std::string& chat);

 private:
  using Chats = boost::unordered_flat_map<std::string, Raised, NameHash, std::equal_to<>>;

  /// Of an entry.
  [[nodiscard]] static std::size_t bytes_of(std::string_view chat) noexcept;

  const std::size_t max_bytes_;  // of a half
  // Once the first is full it becomes the second, which is forgotten.
  Chats now_;
  Chats before_;
  std::size_t bytes_ = 0;  // of `now_`
};

/// Which audience it is; all zero if there is none.
[[nodiscard]] RecordHash hash_audience(std::span<const std::string> audience);

}  // namespace parley::store
