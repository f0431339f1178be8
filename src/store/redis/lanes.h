// Lanes: which of them a name lies in, and how its keys begin.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "chat/events_cursor.h"

namespace parley::store {

/// The most lanes that a store can have: a cursor of events has a number for each.
inline constexpr std::size_t kMaxRedisLanes = kMaxLanes;

/// What the keys of a lane are, by the letter behind its prefix. A letter stands for one kind, with or without a name.
enum class RedisKey : char {
  kClock = 't',       ///< the lane's clock, and what steps have done lately: see scripts.h
  kGeneration = 'g',  ///< and a number: there for as long as what it remembers of idempotency keys
  kKeys = 'k',        ///< and a generation, a dot and a number: a bucket of idempotency keys
  kLog = 'l',         ///< and a chat
  kChatTable = 'c',   ///< and a chat
  kUserTable = 'u',   ///< and a user
  kIndex = 'i',       ///< and a user, or follower_of() the lane
};

/// `parley:{<tag>}:<letter><name>`. All keys of a lane share its tag, and so a slot of a cluster. A tag is one or two
/// letters or digits: keys are most of what a short chat takes beside its messages. The tags are such that any number
/// of lanes spreads evenly over the slots. `lane` is below kMaxRedisLanes.
[[nodiscard]] std::string redis_key(std::size_t lane, RedisKey kind, std::string_view name = {});

/// The lane of a chat or a user, of `lanes`. The same for ever: data lie there.
[[nodiscard]] std::size_t redis_lane_of(std::string_view name, std::size_t lanes) noexcept;

/// The lane of an index: redis_lane_of() a user, and for follower_of() a lane, that lane.
[[nodiscard]] std::size_t redis_lane_of_index(std::string_view user, std::size_t lanes) noexcept;

}  // namespace parley::store
